# What other roots and people need to know.
# From the estate active-active: clouds.gcp.
# Written by polycloud render: change the estate, not this file.

output "project" {
  description = "The project that all this is in."
  value       = var.project
}

output "network_asia_east1" {
  description = "The network at gcp/asia-east1."
  value = {
    id      = google_compute_network.this.id
    cidr    = "10.21.0.0/16"
    subnets = [google_compute_subnetwork.asia_east1.id]
  }
}

output "network_europe_west1" {
  description = "The network at gcp/europe-west1."
  value = {
    id      = google_compute_network.this.id
    cidr    = "10.22.0.0/16"
    subnets = [google_compute_subnetwork.europe_west1.id]
  }
}

output "network_us_central1" {
  description = "The network at gcp/us-central1."
  value = {
    id      = google_compute_network.this.id
    cidr    = "10.23.0.0/16"
    subnets = [google_compute_subnetwork.us_central1.id]
  }
}

output "cluster_gcp_asia_east1" {
  description = "The cluster gcp-asia-east1, for kubectl and for other roots."
  value = {
    name                  = google_container_cluster.gcp_asia_east1.name
    endpoint              = google_container_cluster.gcp_asia_east1.endpoint
    certificate_authority = google_container_cluster.gcp_asia_east1.master_auth[0].cluster_ca_certificate
    issuer                = "https://container.googleapis.com/v1/${google_container_cluster.gcp_asia_east1.id}"
    region                = "asia-east1"
  }
}

output "cluster_gcp_europe_west1" {
  description = "The cluster gcp-europe-west1, for kubectl and for other roots."
  value = {
    name                  = google_container_cluster.gcp_europe_west1.name
    endpoint              = google_container_cluster.gcp_europe_west1.endpoint
    certificate_authority = google_container_cluster.gcp_europe_west1.master_auth[0].cluster_ca_certificate
    issuer                = "https://container.googleapis.com/v1/${google_container_cluster.gcp_europe_west1.id}"
    region                = "europe-west1"
  }
}

output "cluster_gcp_us_central1" {
  description = "The cluster gcp-us-central1, for kubectl and for other roots."
  value = {
    name                  = google_container_cluster.gcp_us_central1.name
    endpoint              = google_container_cluster.gcp_us_central1.endpoint
    certificate_authority = google_container_cluster.gcp_us_central1.master_auth[0].cluster_ca_certificate
    issuer                = "https://container.googleapis.com/v1/${google_container_cluster.gcp_us_central1.id}"
    region                = "us-central1"
  }
}

output "buckets" {
  description = "The buckets by their names in the estate."
  value = {
    clickstream-gcp-us-central1 = {
      bucket = google_storage_bucket.clickstream_gcp_us_central1.name
      url    = google_storage_bucket.clickstream_gcp_us_central1.url
      region = "us-central1"
    }
    profiles-eu-gcp-europe-west1 = {
      bucket = google_storage_bucket.profiles_eu_gcp_europe_west1.name
      url    = google_storage_bucket.profiles_eu_gcp_europe_west1.url
      region = "europe-west1"
    }
  }
}

output "gateway_audiences" {
  description = "By cluster of another cloud: who its gateway's tokens are meant for, polycloud_gcp in Argo CD."
  value       = { for name, one in google_iam_workload_identity_pool_provider.clusters : name => "//iam.googleapis.com/${one.name}" }
}

output "pairing_keys_aws_gcp_eu" {
  description = "What the provider of aws-gcp-eu asks for."
  value = [
    google_compute_interconnect_attachment.aws_gcp_eu__1.pairing_key,
    google_compute_interconnect_attachment.aws_gcp_eu__2.pairing_key,
  ]
  sensitive = true
}

output "pairing_keys_aws_gcp_us" {
  description = "What the provider of aws-gcp-us asks for."
  value = [
    google_compute_interconnect_attachment.aws_gcp_us__1.pairing_key,
    google_compute_interconnect_attachment.aws_gcp_us__2.pairing_key,
  ]
  sensitive = true
}

output "gateways" {
  description = "Where links end, by site: for the root that spans clouds."
  value = {
    "gcp/europe-west1" = {
      id        = google_compute_ha_vpn_gateway.europe_west1.id
      addresses = google_compute_ha_vpn_gateway.europe_west1.vpn_interfaces[*].ip_address
      router    = google_compute_router.links_europe_west1.name
      group     = ""
    }
  }
}

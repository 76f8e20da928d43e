# The network at Google Cloud: a subnet, a way out and flow logs at each site.
# From the estate active-active: clouds.gcp.sites.
# Written by polycloud render: change the estate, not this file.

resource "google_compute_network" "this" {
  name                    = "polycloud-active-active"
  auto_create_subnetworks = false
  routing_mode            = "GLOBAL"
  depends_on              = [google_project_service.this]
}

resource "google_compute_firewall" "deny" {
  name          = "polycloud-active-active-deny"
  description   = "What no other rule allows is refused, and told."
  network       = google_compute_network.this.id
  direction     = "INGRESS"
  priority      = 65534
  source_ranges = ["0.0.0.0/0"]

  deny {
    protocol = "all"
  }

  log_config {
    metadata = "EXCLUDE_ALL_METADATA"
  }
}

resource "google_compute_subnetwork" "asia_east1" {
  name                     = "polycloud-asia-east1"
  region                   = "asia-east1"
  network                  = google_compute_network.this.id
  ip_cidr_range            = "10.21.0.0/20"
  private_ip_google_access = true

  secondary_ip_range {
    range_name    = "pods"
    ip_cidr_range = "10.21.128.0/17"
  }

  secondary_ip_range {
    range_name    = "services"
    ip_cidr_range = "10.21.16.0/20"
  }

  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = 0.5
    metadata             = "INCLUDE_ALL_METADATA"
  }
}

resource "google_compute_router" "nat_asia_east1" {
  name    = "polycloud-asia-east1-nat"
  region  = "asia-east1"
  network = google_compute_network.this.id
}

resource "google_compute_router_nat" "asia_east1" {
  name                               = "polycloud-asia-east1"
  region                             = "asia-east1"
  router                             = google_compute_router.nat_asia_east1.name
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "LIST_OF_SUBNETWORKS"

  subnetwork {
    name                    = google_compute_subnetwork.asia_east1.id
    source_ip_ranges_to_nat = ["ALL_IP_RANGES"]
  }

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}

resource "google_compute_subnetwork" "europe_west1" {
  name                     = "polycloud-europe-west1"
  region                   = "europe-west1"
  network                  = google_compute_network.this.id
  ip_cidr_range            = "10.22.0.0/20"
  private_ip_google_access = true

  secondary_ip_range {
    range_name    = "pods"
    ip_cidr_range = "10.22.128.0/17"
  }

  secondary_ip_range {
    range_name    = "services"
    ip_cidr_range = "10.22.16.0/20"
  }

  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = 0.5
    metadata             = "INCLUDE_ALL_METADATA"
  }
}

resource "google_compute_router" "nat_europe_west1" {
  name    = "polycloud-europe-west1-nat"
  region  = "europe-west1"
  network = google_compute_network.this.id
}

resource "google_compute_router_nat" "europe_west1" {
  name                               = "polycloud-europe-west1"
  region                             = "europe-west1"
  router                             = google_compute_router.nat_europe_west1.name
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "LIST_OF_SUBNETWORKS"

  subnetwork {
    name                    = google_compute_subnetwork.europe_west1.id
    source_ip_ranges_to_nat = ["ALL_IP_RANGES"]
  }

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}

resource "google_compute_subnetwork" "us_central1" {
  name                     = "polycloud-us-central1"
  region                   = "us-central1"
  network                  = google_compute_network.this.id
  ip_cidr_range            = "10.23.0.0/20"
  private_ip_google_access = true

  secondary_ip_range {
    range_name    = "pods"
    ip_cidr_range = "10.23.128.0/17"
  }

  secondary_ip_range {
    range_name    = "services"
    ip_cidr_range = "10.23.16.0/20"
  }

  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = 0.5
    metadata             = "INCLUDE_ALL_METADATA"
  }
}

resource "google_compute_router" "nat_us_central1" {
  name    = "polycloud-us-central1-nat"
  region  = "us-central1"
  network = google_compute_network.this.id
}

resource "google_compute_router_nat" "us_central1" {
  name                               = "polycloud-us-central1"
  region                             = "us-central1"
  router                             = google_compute_router.nat_us_central1.name
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "LIST_OF_SUBNETWORKS"

  subnetwork {
    name                    = google_compute_subnetwork.us_central1.id
    source_ip_ranges_to_nat = ["ALL_IP_RANGES"]
  }

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}

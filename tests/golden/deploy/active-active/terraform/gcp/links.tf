# Ways from Google Cloud to other clouds and halls.
# From the estate active-active: links.
# Written by polycloud render: change the estate, not this file.

resource "google_compute_ha_vpn_gateway" "europe_west1" {
  name    = "polycloud-europe-west1"
  region  = "europe-west1"
  network = google_compute_network.this.id
}

resource "google_compute_router" "links_europe_west1" {
  name    = "polycloud-europe-west1-links"
  region  = "europe-west1"
  network = google_compute_network.this.id

  bgp {
    asn = 64534
  }
}

resource "google_compute_router" "lines_europe_west1" {
  name    = "polycloud-europe-west1-lines"
  region  = "europe-west1"
  network = google_compute_network.this.id

  bgp {
    asn = 16550
  }
}

resource "google_compute_router" "lines_us_central1" {
  name    = "polycloud-us-central1-lines"
  region  = "us-central1"
  network = google_compute_network.this.id

  bgp {
    asn = 16550
  }
}

resource "google_compute_interconnect_attachment" "aws_gcp_eu__1" {
  name                     = "aws-gcp-eu-1"
  region                   = "europe-west1"
  router                   = google_compute_router.lines_europe_west1.id
  type                     = "PARTNER"
  edge_availability_domain = "AVAILABILITY_DOMAIN_1"
  admin_enabled            = true
}

resource "google_compute_interconnect_attachment" "aws_gcp_eu__2" {
  name                     = "aws-gcp-eu-2"
  region                   = "europe-west1"
  router                   = google_compute_router.lines_europe_west1.id
  type                     = "PARTNER"
  edge_availability_domain = "AVAILABILITY_DOMAIN_2"
  admin_enabled            = true
}

resource "google_compute_interconnect_attachment" "aws_gcp_us__1" {
  name                     = "aws-gcp-us-1"
  region                   = "us-central1"
  router                   = google_compute_router.lines_us_central1.id
  type                     = "PARTNER"
  edge_availability_domain = "AVAILABILITY_DOMAIN_1"
  admin_enabled            = true
}

resource "google_compute_interconnect_attachment" "aws_gcp_us__2" {
  name                     = "aws-gcp-us-2"
  region                   = "us-central1"
  router                   = google_compute_router.lines_us_central1.id
  type                     = "PARTNER"
  edge_availability_domain = "AVAILABILITY_DOMAIN_2"
  admin_enabled            = true
}

# Private links between clouds: both sides of each.
# From the estate active-active: links.
# Written by polycloud render: change the estate, not this file.

resource "aws_customer_gateway" "aws_gcp_eu_vpn__0" {
  region     = "eu-west-1"
  type       = "ipsec.1"
  ip_address = var.gcp_gateways["gcp/europe-west1"].addresses[0]
  bgp_asn    = "64534"
}

resource "aws_vpn_connection" "aws_gcp_eu_vpn__0" {
  region                               = "eu-west-1"
  customer_gateway_id                  = aws_customer_gateway.aws_gcp_eu_vpn__0.id
  transit_gateway_id                   = var.aws_gateways["aws/eu-west-1"].id
  type                                 = "ipsec.1"
  tunnel1_inside_cidr                  = "169.254.21.32/30"
  tunnel1_preshared_key                = var.vpn_secrets["aws-gcp-eu-vpn"]
  tunnel1_ike_versions                 = ["ikev2"]
  tunnel1_startup_action               = "start"
  tunnel1_phase1_encryption_algorithms = ["AES256-GCM-16"]
  tunnel1_phase1_integrity_algorithms  = ["SHA2-256", "SHA2-384"]
  tunnel1_phase1_dh_group_numbers      = [19, 20]
  tunnel1_phase2_encryption_algorithms = ["AES256-GCM-16"]
  tunnel1_phase2_integrity_algorithms  = ["SHA2-256", "SHA2-384"]
  tunnel1_phase2_dh_group_numbers      = [19, 20]
  tunnel2_inside_cidr                  = "169.254.21.36/30"
  tunnel2_preshared_key                = var.vpn_secrets["aws-gcp-eu-vpn"]
  tunnel2_ike_versions                 = ["ikev2"]
  tunnel2_startup_action               = "start"
  tunnel2_phase1_encryption_algorithms = ["AES256-GCM-16"]
  tunnel2_phase1_integrity_algorithms  = ["SHA2-256", "SHA2-384"]
  tunnel2_phase1_dh_group_numbers      = [19, 20]
  tunnel2_phase2_encryption_algorithms = ["AES256-GCM-16"]
  tunnel2_phase2_integrity_algorithms  = ["SHA2-256", "SHA2-384"]
  tunnel2_phase2_dh_group_numbers      = [19, 20]
}

resource "aws_customer_gateway" "aws_gcp_eu_vpn__1" {
  region     = "eu-west-1"
  type       = "ipsec.1"
  ip_address = var.gcp_gateways["gcp/europe-west1"].addresses[1]
  bgp_asn    = "64534"
}

resource "aws_vpn_connection" "aws_gcp_eu_vpn__1" {
  region                               = "eu-west-1"
  customer_gateway_id                  = aws_customer_gateway.aws_gcp_eu_vpn__1.id
  transit_gateway_id                   = var.aws_gateways["aws/eu-west-1"].id
  type                                 = "ipsec.1"
  tunnel1_inside_cidr                  = "169.254.21.40/30"
  tunnel1_preshared_key                = var.vpn_secrets["aws-gcp-eu-vpn"]
  tunnel1_ike_versions                 = ["ikev2"]
  tunnel1_startup_action               = "start"
  tunnel1_phase1_encryption_algorithms = ["AES256-GCM-16"]
  tunnel1_phase1_integrity_algorithms  = ["SHA2-256", "SHA2-384"]
  tunnel1_phase1_dh_group_numbers      = [19, 20]
  tunnel1_phase2_encryption_algorithms = ["AES256-GCM-16"]
  tunnel1_phase2_integrity_algorithms  = ["SHA2-256", "SHA2-384"]
  tunnel1_phase2_dh_group_numbers      = [19, 20]
  tunnel2_inside_cidr                  = "169.254.21.44/30"
  tunnel2_preshared_key                = var.vpn_secrets["aws-gcp-eu-vpn"]
  tunnel2_ike_versions                 = ["ikev2"]
  tunnel2_startup_action               = "start"
  tunnel2_phase1_encryption_algorithms = ["AES256-GCM-16"]
  tunnel2_phase1_integrity_algorithms  = ["SHA2-256", "SHA2-384"]
  tunnel2_phase1_dh_group_numbers      = [19, 20]
  tunnel2_phase2_encryption_algorithms = ["AES256-GCM-16"]
  tunnel2_phase2_integrity_algorithms  = ["SHA2-256", "SHA2-384"]
  tunnel2_phase2_dh_group_numbers      = [19, 20]
}

resource "google_compute_external_vpn_gateway" "aws_gcp_eu_vpn" {
  name            = "aws-gcp-eu-vpn"
  redundancy_type = "FOUR_IPS_REDUNDANCY"

  interface {
    id         = 0
    ip_address = aws_vpn_connection.aws_gcp_eu_vpn__0.tunnel1_address
  }

  interface {
    id         = 1
    ip_address = aws_vpn_connection.aws_gcp_eu_vpn__0.tunnel2_address
  }

  interface {
    id         = 2
    ip_address = aws_vpn_connection.aws_gcp_eu_vpn__1.tunnel1_address
  }

  interface {
    id         = 3
    ip_address = aws_vpn_connection.aws_gcp_eu_vpn__1.tunnel2_address
  }
}

resource "google_compute_vpn_tunnel" "aws_gcp_eu_vpn__0" {
  name                            = "aws-gcp-eu-vpn-0"
  region                          = "europe-west1"
  router                          = var.gcp_gateways["gcp/europe-west1"].router
  vpn_gateway                     = var.gcp_gateways["gcp/europe-west1"].id
  vpn_gateway_interface           = 0
  peer_external_gateway           = google_compute_external_vpn_gateway.aws_gcp_eu_vpn.id
  peer_external_gateway_interface = 0
  ike_version                     = 2
  shared_secret_wo                = var.vpn_secrets["aws-gcp-eu-vpn"]
  shared_secret_wo_version        = "1"
}

resource "google_compute_router_interface" "aws_gcp_eu_vpn__0" {
  name       = "aws-gcp-eu-vpn-0"
  region     = "europe-west1"
  router     = var.gcp_gateways["gcp/europe-west1"].router
  ip_range   = "169.254.21.34/30"
  vpn_tunnel = google_compute_vpn_tunnel.aws_gcp_eu_vpn__0.name
}

resource "google_compute_router_peer" "aws_gcp_eu_vpn__0" {
  name            = "aws-gcp-eu-vpn-0"
  region          = "europe-west1"
  router          = var.gcp_gateways["gcp/europe-west1"].router
  interface       = google_compute_router_interface.aws_gcp_eu_vpn__0.name
  ip_address      = "169.254.21.34"
  peer_ip_address = "169.254.21.33"
  peer_asn        = 64528
}

resource "google_compute_vpn_tunnel" "aws_gcp_eu_vpn__1" {
  name                            = "aws-gcp-eu-vpn-1"
  region                          = "europe-west1"
  router                          = var.gcp_gateways["gcp/europe-west1"].router
  vpn_gateway                     = var.gcp_gateways["gcp/europe-west1"].id
  vpn_gateway_interface           = 0
  peer_external_gateway           = google_compute_external_vpn_gateway.aws_gcp_eu_vpn.id
  peer_external_gateway_interface = 1
  ike_version                     = 2
  shared_secret_wo                = var.vpn_secrets["aws-gcp-eu-vpn"]
  shared_secret_wo_version        = "1"
}

resource "google_compute_router_interface" "aws_gcp_eu_vpn__1" {
  name       = "aws-gcp-eu-vpn-1"
  region     = "europe-west1"
  router     = var.gcp_gateways["gcp/europe-west1"].router
  ip_range   = "169.254.21.38/30"
  vpn_tunnel = google_compute_vpn_tunnel.aws_gcp_eu_vpn__1.name
}

resource "google_compute_router_peer" "aws_gcp_eu_vpn__1" {
  name            = "aws-gcp-eu-vpn-1"
  region          = "europe-west1"
  router          = var.gcp_gateways["gcp/europe-west1"].router
  interface       = google_compute_router_interface.aws_gcp_eu_vpn__1.name
  ip_address      = "169.254.21.38"
  peer_ip_address = "169.254.21.37"
  peer_asn        = 64528
}

resource "google_compute_vpn_tunnel" "aws_gcp_eu_vpn__2" {
  name                            = "aws-gcp-eu-vpn-2"
  region                          = "europe-west1"
  router                          = var.gcp_gateways["gcp/europe-west1"].router
  vpn_gateway                     = var.gcp_gateways["gcp/europe-west1"].id
  vpn_gateway_interface           = 1
  peer_external_gateway           = google_compute_external_vpn_gateway.aws_gcp_eu_vpn.id
  peer_external_gateway_interface = 2
  ike_version                     = 2
  shared_secret_wo                = var.vpn_secrets["aws-gcp-eu-vpn"]
  shared_secret_wo_version        = "1"
}

resource "google_compute_router_interface" "aws_gcp_eu_vpn__2" {
  name       = "aws-gcp-eu-vpn-2"
  region     = "europe-west1"
  router     = var.gcp_gateways["gcp/europe-west1"].router
  ip_range   = "169.254.21.42/30"
  vpn_tunnel = google_compute_vpn_tunnel.aws_gcp_eu_vpn__2.name
}

resource "google_compute_router_peer" "aws_gcp_eu_vpn__2" {
  name            = "aws-gcp-eu-vpn-2"
  region          = "europe-west1"
  router          = var.gcp_gateways["gcp/europe-west1"].router
  interface       = google_compute_router_interface.aws_gcp_eu_vpn__2.name
  ip_address      = "169.254.21.42"
  peer_ip_address = "169.254.21.41"
  peer_asn        = 64528
}

resource "google_compute_vpn_tunnel" "aws_gcp_eu_vpn__3" {
  name                            = "aws-gcp-eu-vpn-3"
  region                          = "europe-west1"
  router                          = var.gcp_gateways["gcp/europe-west1"].router
  vpn_gateway                     = var.gcp_gateways["gcp/europe-west1"].id
  vpn_gateway_interface           = 1
  peer_external_gateway           = google_compute_external_vpn_gateway.aws_gcp_eu_vpn.id
  peer_external_gateway_interface = 3
  ike_version                     = 2
  shared_secret_wo                = var.vpn_secrets["aws-gcp-eu-vpn"]
  shared_secret_wo_version        = "1"
}

resource "google_compute_router_interface" "aws_gcp_eu_vpn__3" {
  name       = "aws-gcp-eu-vpn-3"
  region     = "europe-west1"
  router     = var.gcp_gateways["gcp/europe-west1"].router
  ip_range   = "169.254.21.46/30"
  vpn_tunnel = google_compute_vpn_tunnel.aws_gcp_eu_vpn__3.name
}

resource "google_compute_router_peer" "aws_gcp_eu_vpn__3" {
  name            = "aws-gcp-eu-vpn-3"
  region          = "europe-west1"
  router          = var.gcp_gateways["gcp/europe-west1"].router
  interface       = google_compute_router_interface.aws_gcp_eu_vpn__3.name
  ip_address      = "169.254.21.46"
  peer_ip_address = "169.254.21.45"
  peer_asn        = 64528
}

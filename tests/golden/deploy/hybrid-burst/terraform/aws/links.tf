# Ways between sites of AWS, and from AWS to other clouds and halls.
# From the estate hybrid-burst: links.
# Written by polycloud render: change the estate, not this file.

resource "aws_ec2_transit_gateway" "eu_central_1" {
  region                         = "eu-central-1"
  description                    = "Links of aws/eu-central-1."
  amazon_side_asn                = 64528
  auto_accept_shared_attachments = "disable"
  vpn_ecmp_support               = "enable"
  tags = {
    Name = "polycloud-eu-central-1"
  }
}

resource "aws_ec2_transit_gateway_vpc_attachment" "eu_central_1" {
  region             = "eu-central-1"
  transit_gateway_id = aws_ec2_transit_gateway.eu_central_1.id
  vpc_id             = aws_vpc.eu_central_1.id
  subnet_ids         = aws_subnet.private_eu_central_1[*].id
}

resource "aws_dx_gateway" "this" {
  name            = "polycloud-hybrid-burst"
  amazon_side_asn = "64512"
}

resource "aws_dx_gateway_association" "eu_central_1" {
  region                = "eu-central-1"
  dx_gateway_id         = aws_dx_gateway.this.id
  associated_gateway_id = aws_ec2_transit_gateway.eu_central_1.id
  allowed_prefixes      = ["10.16.0.0/16"]
}

resource "aws_dx_connection_confirmation" "hall_aws" {
  count         = contains(keys(var.lines), "hall-aws") ? 1 : 0
  region        = "eu-central-1"
  connection_id = var.lines["hall-aws"].connection
}

resource "aws_dx_transit_virtual_interface" "hall_aws" {
  count          = contains(keys(var.lines), "hall-aws") ? 1 : 0
  region         = "eu-central-1"
  name           = "polycloud-hall-aws"
  connection_id  = var.lines["hall-aws"].connection
  dx_gateway_id  = aws_dx_gateway.this.id
  vlan           = var.lines["hall-aws"].vlan
  bgp_asn        = var.lines["hall-aws"].asn
  address_family = "ipv4"
  mtu            = 8500
  depends_on     = [aws_dx_connection_confirmation.hall_aws]
}

resource "aws_route" "eu_central_1_to_frankfurt" {
  for_each               = { for one in setproduct(range(3), try(var.halls["frankfurt"].networks, [])) : "${one[0]} ${one[1]}" => one }
  region                 = "eu-central-1"
  route_table_id         = aws_route_table.private_eu_central_1[each.value[0]].id
  destination_cidr_block = each.value[1]
  transit_gateway_id     = aws_ec2_transit_gateway.eu_central_1.id
  depends_on             = [aws_ec2_transit_gateway_vpc_attachment.eu_central_1]
}

resource "aws_customer_gateway" "hall_aws_vpn" {
  count      = contains(keys(var.halls), "frankfurt") ? 1 : 0
  region     = "eu-central-1"
  type       = "ipsec.1"
  ip_address = var.halls["frankfurt"].address
  bgp_asn    = var.halls["frankfurt"].asn
}

resource "aws_vpn_connection" "hall_aws_vpn" {
  count                                = contains(keys(var.halls), "frankfurt") ? 1 : 0
  region                               = "eu-central-1"
  customer_gateway_id                  = aws_customer_gateway.hall_aws_vpn[0].id
  transit_gateway_id                   = aws_ec2_transit_gateway.eu_central_1.id
  type                                 = "ipsec.1"
  tunnel1_inside_cidr                  = "169.254.22.48/30"
  tunnel1_preshared_key                = var.vpn_secrets["hall-aws-vpn"]
  tunnel1_ike_versions                 = ["ikev2"]
  tunnel1_startup_action               = "start"
  tunnel1_phase1_encryption_algorithms = ["AES256-GCM-16"]
  tunnel1_phase1_integrity_algorithms  = ["SHA2-256", "SHA2-384"]
  tunnel1_phase1_dh_group_numbers      = [19, 20]
  tunnel1_phase2_encryption_algorithms = ["AES256-GCM-16"]
  tunnel1_phase2_integrity_algorithms  = ["SHA2-256", "SHA2-384"]
  tunnel1_phase2_dh_group_numbers      = [19, 20]
  tunnel2_inside_cidr                  = "169.254.22.52/30"
  tunnel2_preshared_key                = var.vpn_secrets["hall-aws-vpn"]
  tunnel2_ike_versions                 = ["ikev2"]
  tunnel2_startup_action               = "start"
  tunnel2_phase1_encryption_algorithms = ["AES256-GCM-16"]
  tunnel2_phase1_integrity_algorithms  = ["SHA2-256", "SHA2-384"]
  tunnel2_phase1_dh_group_numbers      = [19, 20]
  tunnel2_phase2_encryption_algorithms = ["AES256-GCM-16"]
  tunnel2_phase2_integrity_algorithms  = ["SHA2-256", "SHA2-384"]
  tunnel2_phase2_dh_group_numbers      = [19, 20]
}

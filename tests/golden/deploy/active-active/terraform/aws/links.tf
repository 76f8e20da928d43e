# Ways between sites of AWS, and from AWS to other clouds and halls.
# From the estate active-active: links.
# Written by polycloud render: change the estate, not this file.

resource "aws_ec2_transit_gateway" "eu_west_1" {
  region                         = "eu-west-1"
  description                    = "Links of aws/eu-west-1."
  amazon_side_asn                = 64528
  auto_accept_shared_attachments = "disable"
  vpn_ecmp_support               = "enable"
  tags = {
    Name = "polycloud-eu-west-1"
  }
}

resource "aws_ec2_transit_gateway_vpc_attachment" "eu_west_1" {
  region             = "eu-west-1"
  transit_gateway_id = aws_ec2_transit_gateway.eu_west_1.id
  vpc_id             = aws_vpc.eu_west_1.id
  subnet_ids         = aws_subnet.private_eu_west_1[*].id
}

resource "aws_route" "eu_west_1_to_gcp_europe_west1___686600" {
  count                  = 3
  region                 = "eu-west-1"
  route_table_id         = aws_route_table.private_eu_west_1[count.index].id
  destination_cidr_block = "10.22.0.0/16"
  transit_gateway_id     = aws_ec2_transit_gateway.eu_west_1.id
  depends_on             = [aws_ec2_transit_gateway_vpc_attachment.eu_west_1]
}

resource "aws_ec2_transit_gateway" "us_east_1" {
  region                         = "us-east-1"
  description                    = "Links of aws/us-east-1."
  amazon_side_asn                = 64529
  auto_accept_shared_attachments = "disable"
  vpn_ecmp_support               = "enable"
  tags = {
    Name = "polycloud-us-east-1"
  }
}

resource "aws_ec2_transit_gateway_vpc_attachment" "us_east_1" {
  region             = "us-east-1"
  transit_gateway_id = aws_ec2_transit_gateway.us_east_1.id
  vpc_id             = aws_vpc.us_east_1.id
  subnet_ids         = aws_subnet.private_us_east_1[*].id
}

resource "aws_route" "us_east_1_to_azure_eastus___8168a5" {
  count                  = 3
  region                 = "us-east-1"
  route_table_id         = aws_route_table.private_us_east_1[count.index].id
  destination_cidr_block = "10.19.0.0/16"
  transit_gateway_id     = aws_ec2_transit_gateway.us_east_1.id
  depends_on             = [aws_ec2_transit_gateway_vpc_attachment.us_east_1]
}

resource "aws_route" "us_east_1_to_gcp_us_central1___a4ab12" {
  count                  = 3
  region                 = "us-east-1"
  route_table_id         = aws_route_table.private_us_east_1[count.index].id
  destination_cidr_block = "10.23.0.0/16"
  transit_gateway_id     = aws_ec2_transit_gateway.us_east_1.id
  depends_on             = [aws_ec2_transit_gateway_vpc_attachment.us_east_1]
}

resource "aws_dx_gateway" "this" {
  name            = "polycloud-active-active"
  amazon_side_asn = "64512"
}

resource "aws_dx_gateway_association" "eu_west_1" {
  region                = "eu-west-1"
  dx_gateway_id         = aws_dx_gateway.this.id
  associated_gateway_id = aws_ec2_transit_gateway.eu_west_1.id
  allowed_prefixes      = ["10.16.0.0/16"]
}

resource "aws_dx_gateway_association" "us_east_1" {
  region                = "us-east-1"
  dx_gateway_id         = aws_dx_gateway.this.id
  associated_gateway_id = aws_ec2_transit_gateway.us_east_1.id
  allowed_prefixes      = ["10.17.0.0/16"]
}

resource "aws_dx_connection_confirmation" "aws_azure_us" {
  count         = contains(keys(var.lines), "aws-azure-us") ? 1 : 0
  region        = "us-east-1"
  connection_id = var.lines["aws-azure-us"].connection
}

resource "aws_dx_transit_virtual_interface" "aws_azure_us" {
  count          = contains(keys(var.lines), "aws-azure-us") ? 1 : 0
  region         = "us-east-1"
  name           = "polycloud-aws-azure-us"
  connection_id  = var.lines["aws-azure-us"].connection
  dx_gateway_id  = aws_dx_gateway.this.id
  vlan           = var.lines["aws-azure-us"].vlan
  bgp_asn        = var.lines["aws-azure-us"].asn
  address_family = "ipv4"
  mtu            = 8500
  depends_on     = [aws_dx_connection_confirmation.aws_azure_us]
}

resource "aws_dx_connection_confirmation" "aws_gcp_eu" {
  count         = contains(keys(var.lines), "aws-gcp-eu") ? 1 : 0
  region        = "eu-west-1"
  connection_id = var.lines["aws-gcp-eu"].connection
}

resource "aws_dx_transit_virtual_interface" "aws_gcp_eu" {
  count          = contains(keys(var.lines), "aws-gcp-eu") ? 1 : 0
  region         = "eu-west-1"
  name           = "polycloud-aws-gcp-eu"
  connection_id  = var.lines["aws-gcp-eu"].connection
  dx_gateway_id  = aws_dx_gateway.this.id
  vlan           = var.lines["aws-gcp-eu"].vlan
  bgp_asn        = var.lines["aws-gcp-eu"].asn
  address_family = "ipv4"
  mtu            = 8500
  depends_on     = [aws_dx_connection_confirmation.aws_gcp_eu]
}

resource "aws_dx_connection_confirmation" "aws_gcp_us" {
  count         = contains(keys(var.lines), "aws-gcp-us") ? 1 : 0
  region        = "us-east-1"
  connection_id = var.lines["aws-gcp-us"].connection
}

resource "aws_dx_transit_virtual_interface" "aws_gcp_us" {
  count          = contains(keys(var.lines), "aws-gcp-us") ? 1 : 0
  region         = "us-east-1"
  name           = "polycloud-aws-gcp-us"
  connection_id  = var.lines["aws-gcp-us"].connection
  dx_gateway_id  = aws_dx_gateway.this.id
  vlan           = var.lines["aws-gcp-us"].vlan
  bgp_asn        = var.lines["aws-gcp-us"].asn
  address_family = "ipv4"
  mtu            = 8500
  depends_on     = [aws_dx_connection_confirmation.aws_gcp_us]
}

# Networks at AWS: for each site subnets, ways out, private endpoints, flow logs.
# From the estate active-active: clouds.aws.
# Written by polycloud render: change the estate, not this file.

resource "aws_iam_role" "flow_logs" {
  name        = "active-active-flow-logs"
  description = "Writes flow logs."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Principal = {
          Service = "vpc-flow-logs.amazonaws.com"
        }
        Action = ["sts:AssumeRole"]
        Condition = {
          StringEquals = {
            "aws:SourceAccount" = data.aws_caller_identity.this.account_id
          }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "flow_logs" {
  name = "flow-logs"
  role = aws_iam_role.flow_logs.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        Resource = [
          "arn:${data.aws_partition.this.partition}:logs:*:${data.aws_caller_identity.this.account_id}:log-group:/polycloud/active-active/flows:*",
        ]
      },
    ]
  })
}

data "aws_availability_zones" "eu_west_1" {
  region = "eu-west-1"
  state  = "available"
  # checkov:skip=CKV_AWS_394:Subnets take the first three once, and stay where they are.

  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

resource "aws_vpc" "eu_west_1" {
  region               = "eu-west-1"
  cidr_block           = "10.16.0.0/16"
  enable_dns_hostnames = true
  enable_dns_support   = true
  tags = {
    Name = "polycloud-eu-west-1"
  }
}

resource "aws_default_security_group" "eu_west_1" {
  region = "eu-west-1"
  vpc_id = aws_vpc.eu_west_1.id
  # No rule: unusable.
}

resource "aws_subnet" "private_eu_west_1" {
  count             = 3
  region            = "eu-west-1"
  vpc_id            = aws_vpc.eu_west_1.id
  cidr_block        = ["10.16.0.0/19", "10.16.32.0/19", "10.16.64.0/19"][count.index]
  availability_zone = data.aws_availability_zones.eu_west_1.names[count.index % length(data.aws_availability_zones.eu_west_1.names)]
  tags = {
    Name                              = "polycloud-eu-west-1-private-${count.index}"
    "kubernetes.io/role/internal-elb" = "1"
  }

  lifecycle {
    ignore_changes = [availability_zone]
  }
}

resource "aws_subnet" "public_eu_west_1" {
  count             = 3
  region            = "eu-west-1"
  vpc_id            = aws_vpc.eu_west_1.id
  cidr_block        = ["10.16.253.0/24", "10.16.254.0/24", "10.16.255.0/24"][count.index]
  availability_zone = data.aws_availability_zones.eu_west_1.names[count.index % length(data.aws_availability_zones.eu_west_1.names)]
  tags = {
    Name                     = "polycloud-eu-west-1-public-${count.index}"
    "kubernetes.io/role/elb" = "1"
  }

  lifecycle {
    ignore_changes = [availability_zone]
  }
}

resource "aws_internet_gateway" "eu_west_1" {
  region = "eu-west-1"
  vpc_id = aws_vpc.eu_west_1.id
}

resource "aws_eip" "nat_eu_west_1" {
  count  = 3
  region = "eu-west-1"
  domain = "vpc"
}

resource "aws_nat_gateway" "eu_west_1" {
  count         = 3
  region        = "eu-west-1"
  allocation_id = aws_eip.nat_eu_west_1[count.index].id
  subnet_id     = aws_subnet.public_eu_west_1[count.index].id
  depends_on    = [aws_internet_gateway.eu_west_1]
}

resource "aws_route_table" "private_eu_west_1" {
  count  = 3
  region = "eu-west-1"
  vpc_id = aws_vpc.eu_west_1.id
}

resource "aws_route" "private_eu_west_1" {
  count                  = 3
  region                 = "eu-west-1"
  route_table_id         = aws_route_table.private_eu_west_1[count.index].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.eu_west_1[count.index].id
}

resource "aws_route_table_association" "private_eu_west_1" {
  count          = 3
  region         = "eu-west-1"
  subnet_id      = aws_subnet.private_eu_west_1[count.index].id
  route_table_id = aws_route_table.private_eu_west_1[count.index % 3].id
}

resource "aws_route_table" "public_eu_west_1" {
  region = "eu-west-1"
  vpc_id = aws_vpc.eu_west_1.id
}

resource "aws_route" "public_eu_west_1" {
  region                 = "eu-west-1"
  route_table_id         = aws_route_table.public_eu_west_1.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.eu_west_1.id
}

resource "aws_route_table_association" "public_eu_west_1" {
  count          = 3
  region         = "eu-west-1"
  subnet_id      = aws_subnet.public_eu_west_1[count.index].id
  route_table_id = aws_route_table.public_eu_west_1.id
}

resource "aws_vpc_endpoint" "dynamodb_eu_west_1" {
  region            = "eu-west-1"
  vpc_id            = aws_vpc.eu_west_1.id
  service_name      = "com.amazonaws.eu-west-1.dynamodb"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = aws_route_table.private_eu_west_1[*].id
}

resource "aws_vpc_endpoint" "s3_eu_west_1" {
  region            = "eu-west-1"
  vpc_id            = aws_vpc.eu_west_1.id
  service_name      = "com.amazonaws.eu-west-1.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = aws_route_table.private_eu_west_1[*].id
}

resource "aws_security_group" "inside_eu_west_1" {
  region      = "eu-west-1"
  name        = "polycloud-inside-eu-west-1"
  description = "Reached from the site's own network alone."
  vpc_id      = aws_vpc.eu_west_1.id
  # checkov:skip=CKV2_AWS_5:Databases and private endpoints use it where the estate has them.
}

resource "aws_vpc_security_group_ingress_rule" "inside_eu_west_1" {
  region            = "eu-west-1"
  security_group_id = aws_security_group.inside_eu_west_1.id
  description       = "Everything from the site's own network."
  cidr_ipv4         = "10.16.0.0/16"
  ip_protocol       = "-1"
}

resource "aws_vpc_security_group_ingress_rule" "inside_eu_west_1__gcp__europe_west1" {
  region            = "eu-west-1"
  security_group_id = aws_security_group.inside_eu_west_1.id
  description       = "Everything from gcp/europe-west1, by a link."
  cidr_ipv4         = "10.22.0.0/16"
  ip_protocol       = "-1"
}

resource "aws_vpc_endpoint" "bedrock_eu_west_1" {
  region              = "eu-west-1"
  vpc_id              = aws_vpc.eu_west_1.id
  service_name        = "com.amazonaws.eu-west-1.bedrock-runtime"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = aws_subnet.private_eu_west_1[*].id
  security_group_ids  = [aws_security_group.inside_eu_west_1.id]
}

resource "aws_cloudwatch_log_group" "flows_eu_west_1" {
  region            = "eu-west-1"
  name              = "/polycloud/active-active/flows"
  retention_in_days = 365
  kms_key_id        = aws_kms_key.data__eu_west_1.arn
}

resource "aws_flow_log" "eu_west_1" {
  region          = "eu-west-1"
  vpc_id          = aws_vpc.eu_west_1.id
  traffic_type    = "ALL"
  log_destination = aws_cloudwatch_log_group.flows_eu_west_1.arn
  iam_role_arn    = aws_iam_role.flow_logs.arn
}

data "aws_availability_zones" "us_east_1" {
  region           = "us-east-1"
  state            = "available"
  exclude_zone_ids = ["use1-az3"]
  # checkov:skip=CKV_AWS_394:Subnets take the first three once, and stay where they are.

  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

resource "aws_vpc" "us_east_1" {
  region               = "us-east-1"
  cidr_block           = "10.17.0.0/16"
  enable_dns_hostnames = true
  enable_dns_support   = true
  tags = {
    Name = "polycloud-us-east-1"
  }
}

resource "aws_default_security_group" "us_east_1" {
  region = "us-east-1"
  vpc_id = aws_vpc.us_east_1.id
  # No rule: unusable.
}

resource "aws_subnet" "private_us_east_1" {
  count             = 3
  region            = "us-east-1"
  vpc_id            = aws_vpc.us_east_1.id
  cidr_block        = ["10.17.0.0/19", "10.17.32.0/19", "10.17.64.0/19"][count.index]
  availability_zone = data.aws_availability_zones.us_east_1.names[count.index % length(data.aws_availability_zones.us_east_1.names)]
  tags = {
    Name                              = "polycloud-us-east-1-private-${count.index}"
    "kubernetes.io/role/internal-elb" = "1"
  }

  lifecycle {
    ignore_changes = [availability_zone]
  }
}

resource "aws_subnet" "public_us_east_1" {
  count             = 3
  region            = "us-east-1"
  vpc_id            = aws_vpc.us_east_1.id
  cidr_block        = ["10.17.253.0/24", "10.17.254.0/24", "10.17.255.0/24"][count.index]
  availability_zone = data.aws_availability_zones.us_east_1.names[count.index % length(data.aws_availability_zones.us_east_1.names)]
  tags = {
    Name                     = "polycloud-us-east-1-public-${count.index}"
    "kubernetes.io/role/elb" = "1"
  }

  lifecycle {
    ignore_changes = [availability_zone]
  }
}

resource "aws_internet_gateway" "us_east_1" {
  region = "us-east-1"
  vpc_id = aws_vpc.us_east_1.id
}

resource "aws_eip" "nat_us_east_1" {
  count  = 3
  region = "us-east-1"
  domain = "vpc"
}

resource "aws_nat_gateway" "us_east_1" {
  count         = 3
  region        = "us-east-1"
  allocation_id = aws_eip.nat_us_east_1[count.index].id
  subnet_id     = aws_subnet.public_us_east_1[count.index].id
  depends_on    = [aws_internet_gateway.us_east_1]
}

resource "aws_route_table" "private_us_east_1" {
  count  = 3
  region = "us-east-1"
  vpc_id = aws_vpc.us_east_1.id
}

resource "aws_route" "private_us_east_1" {
  count                  = 3
  region                 = "us-east-1"
  route_table_id         = aws_route_table.private_us_east_1[count.index].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.us_east_1[count.index].id
}

resource "aws_route_table_association" "private_us_east_1" {
  count          = 3
  region         = "us-east-1"
  subnet_id      = aws_subnet.private_us_east_1[count.index].id
  route_table_id = aws_route_table.private_us_east_1[count.index % 3].id
}

resource "aws_route_table" "public_us_east_1" {
  region = "us-east-1"
  vpc_id = aws_vpc.us_east_1.id
}

resource "aws_route" "public_us_east_1" {
  region                 = "us-east-1"
  route_table_id         = aws_route_table.public_us_east_1.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.us_east_1.id
}

resource "aws_route_table_association" "public_us_east_1" {
  count          = 3
  region         = "us-east-1"
  subnet_id      = aws_subnet.public_us_east_1[count.index].id
  route_table_id = aws_route_table.public_us_east_1.id
}

resource "aws_vpc_endpoint" "dynamodb_us_east_1" {
  region            = "us-east-1"
  vpc_id            = aws_vpc.us_east_1.id
  service_name      = "com.amazonaws.us-east-1.dynamodb"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = aws_route_table.private_us_east_1[*].id
}

resource "aws_vpc_endpoint" "s3_us_east_1" {
  region            = "us-east-1"
  vpc_id            = aws_vpc.us_east_1.id
  service_name      = "com.amazonaws.us-east-1.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = aws_route_table.private_us_east_1[*].id
}

resource "aws_security_group" "inside_us_east_1" {
  region      = "us-east-1"
  name        = "polycloud-inside-us-east-1"
  description = "Reached from the site's own network alone."
  vpc_id      = aws_vpc.us_east_1.id
  # checkov:skip=CKV2_AWS_5:Databases and private endpoints use it where the estate has them.
}

resource "aws_vpc_security_group_ingress_rule" "inside_us_east_1" {
  region            = "us-east-1"
  security_group_id = aws_security_group.inside_us_east_1.id
  description       = "Everything from the site's own network."
  cidr_ipv4         = "10.17.0.0/16"
  ip_protocol       = "-1"
}

resource "aws_vpc_security_group_ingress_rule" "inside_us_east_1__azure__eastus" {
  region            = "us-east-1"
  security_group_id = aws_security_group.inside_us_east_1.id
  description       = "Everything from azure/eastus, by a link."
  cidr_ipv4         = "10.19.0.0/16"
  ip_protocol       = "-1"
}

resource "aws_vpc_security_group_ingress_rule" "inside_us_east_1__gcp__us_central1" {
  region            = "us-east-1"
  security_group_id = aws_security_group.inside_us_east_1.id
  description       = "Everything from gcp/us-central1, by a link."
  cidr_ipv4         = "10.23.0.0/16"
  ip_protocol       = "-1"
}

resource "aws_vpc_endpoint" "bedrock_us_east_1" {
  region              = "us-east-1"
  vpc_id              = aws_vpc.us_east_1.id
  service_name        = "com.amazonaws.us-east-1.bedrock-runtime"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = aws_subnet.private_us_east_1[*].id
  security_group_ids  = [aws_security_group.inside_us_east_1.id]
}

resource "aws_cloudwatch_log_group" "flows_us_east_1" {
  region            = "us-east-1"
  name              = "/polycloud/active-active/flows"
  retention_in_days = 365
  kms_key_id        = aws_kms_key.data__us_east_1.arn
}

resource "aws_flow_log" "us_east_1" {
  region          = "us-east-1"
  vpc_id          = aws_vpc.us_east_1.id
  traffic_type    = "ALL"
  log_destination = aws_cloudwatch_log_group.flows_us_east_1.arn
  iam_role_arn    = aws_iam_role.flow_logs.arn
}

data "aws_availability_zones" "us_west_2" {
  region = "us-west-2"
  state  = "available"
  # checkov:skip=CKV_AWS_394:Subnets take the first three once, and stay where they are.

  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

resource "aws_vpc" "us_west_2" {
  region               = "us-west-2"
  cidr_block           = "10.18.0.0/16"
  enable_dns_hostnames = true
  enable_dns_support   = true
  tags = {
    Name = "polycloud-us-west-2"
  }
}

resource "aws_default_security_group" "us_west_2" {
  region = "us-west-2"
  vpc_id = aws_vpc.us_west_2.id
  # No rule: unusable.
}

resource "aws_subnet" "private_us_west_2" {
  count             = 3
  region            = "us-west-2"
  vpc_id            = aws_vpc.us_west_2.id
  cidr_block        = ["10.18.0.0/19", "10.18.32.0/19", "10.18.64.0/19"][count.index]
  availability_zone = data.aws_availability_zones.us_west_2.names[count.index % length(data.aws_availability_zones.us_west_2.names)]
  tags = {
    Name                              = "polycloud-us-west-2-private-${count.index}"
    "kubernetes.io/role/internal-elb" = "1"
  }

  lifecycle {
    ignore_changes = [availability_zone]
  }
}

resource "aws_subnet" "public_us_west_2" {
  count             = 3
  region            = "us-west-2"
  vpc_id            = aws_vpc.us_west_2.id
  cidr_block        = ["10.18.253.0/24", "10.18.254.0/24", "10.18.255.0/24"][count.index]
  availability_zone = data.aws_availability_zones.us_west_2.names[count.index % length(data.aws_availability_zones.us_west_2.names)]
  tags = {
    Name                     = "polycloud-us-west-2-public-${count.index}"
    "kubernetes.io/role/elb" = "1"
  }

  lifecycle {
    ignore_changes = [availability_zone]
  }
}

resource "aws_internet_gateway" "us_west_2" {
  region = "us-west-2"
  vpc_id = aws_vpc.us_west_2.id
}

resource "aws_eip" "nat_us_west_2" {
  count  = 3
  region = "us-west-2"
  domain = "vpc"
}

resource "aws_nat_gateway" "us_west_2" {
  count         = 3
  region        = "us-west-2"
  allocation_id = aws_eip.nat_us_west_2[count.index].id
  subnet_id     = aws_subnet.public_us_west_2[count.index].id
  depends_on    = [aws_internet_gateway.us_west_2]
}

resource "aws_route_table" "private_us_west_2" {
  count  = 3
  region = "us-west-2"
  vpc_id = aws_vpc.us_west_2.id
}

resource "aws_route" "private_us_west_2" {
  count                  = 3
  region                 = "us-west-2"
  route_table_id         = aws_route_table.private_us_west_2[count.index].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.us_west_2[count.index].id
}

resource "aws_route_table_association" "private_us_west_2" {
  count          = 3
  region         = "us-west-2"
  subnet_id      = aws_subnet.private_us_west_2[count.index].id
  route_table_id = aws_route_table.private_us_west_2[count.index % 3].id
}

resource "aws_route_table" "public_us_west_2" {
  region = "us-west-2"
  vpc_id = aws_vpc.us_west_2.id
}

resource "aws_route" "public_us_west_2" {
  region                 = "us-west-2"
  route_table_id         = aws_route_table.public_us_west_2.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.us_west_2.id
}

resource "aws_route_table_association" "public_us_west_2" {
  count          = 3
  region         = "us-west-2"
  subnet_id      = aws_subnet.public_us_west_2[count.index].id
  route_table_id = aws_route_table.public_us_west_2.id
}

resource "aws_vpc_endpoint" "dynamodb_us_west_2" {
  region            = "us-west-2"
  vpc_id            = aws_vpc.us_west_2.id
  service_name      = "com.amazonaws.us-west-2.dynamodb"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = aws_route_table.private_us_west_2[*].id
}

resource "aws_vpc_endpoint" "s3_us_west_2" {
  region            = "us-west-2"
  vpc_id            = aws_vpc.us_west_2.id
  service_name      = "com.amazonaws.us-west-2.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = aws_route_table.private_us_west_2[*].id
}

resource "aws_security_group" "inside_us_west_2" {
  region      = "us-west-2"
  name        = "polycloud-inside-us-west-2"
  description = "Reached from the site's own network alone."
  vpc_id      = aws_vpc.us_west_2.id
  # checkov:skip=CKV2_AWS_5:Databases and private endpoints use it where the estate has them.
}

resource "aws_vpc_security_group_ingress_rule" "inside_us_west_2" {
  region            = "us-west-2"
  security_group_id = aws_security_group.inside_us_west_2.id
  description       = "Everything from the site's own network."
  cidr_ipv4         = "10.18.0.0/16"
  ip_protocol       = "-1"
}

resource "aws_vpc_endpoint" "bedrock_us_west_2" {
  region              = "us-west-2"
  vpc_id              = aws_vpc.us_west_2.id
  service_name        = "com.amazonaws.us-west-2.bedrock-runtime"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = aws_subnet.private_us_west_2[*].id
  security_group_ids  = [aws_security_group.inside_us_west_2.id]
}

resource "aws_cloudwatch_log_group" "flows_us_west_2" {
  region            = "us-west-2"
  name              = "/polycloud/active-active/flows"
  retention_in_days = 365
  kms_key_id        = aws_kms_key.data__us_west_2.arn
}

resource "aws_flow_log" "us_west_2" {
  region          = "us-west-2"
  vpc_id          = aws_vpc.us_west_2.id
  traffic_type    = "ALL"
  log_destination = aws_cloudwatch_log_group.flows_us_west_2.arn
  iam_role_arn    = aws_iam_role.flow_logs.arn
}

# What other roots and people need to know.
# From the estate active-active: clouds.aws.
# Written by polycloud render: change the estate, not this file.

output "account" {
  description = "The account that all this is in."
  value       = data.aws_caller_identity.this.account_id
}

output "network_eu_west_1" {
  description = "The network at aws/eu-west-1."
  value = {
    id      = aws_vpc.eu_west_1.id
    cidr    = "10.16.0.0/16"
    subnets = aws_subnet.private_eu_west_1[*].id
  }
}

output "network_us_east_1" {
  description = "The network at aws/us-east-1."
  value = {
    id      = aws_vpc.us_east_1.id
    cidr    = "10.17.0.0/16"
    subnets = aws_subnet.private_us_east_1[*].id
  }
}

output "network_us_west_2" {
  description = "The network at aws/us-west-2."
  value = {
    id      = aws_vpc.us_west_2.id
    cidr    = "10.18.0.0/16"
    subnets = aws_subnet.private_us_west_2[*].id
  }
}

output "cluster_aws_eu_west_1" {
  description = "The cluster aws-eu-west-1, for kubectl and for other roots."
  value = {
    name                  = aws_eks_cluster.aws_eu_west_1.name
    endpoint              = aws_eks_cluster.aws_eu_west_1.endpoint
    certificate_authority = aws_eks_cluster.aws_eu_west_1.certificate_authority[0].data
    issuer                = aws_eks_cluster.aws_eu_west_1.identity[0].oidc[0].issuer
    region                = "eu-west-1"
  }
}

output "cluster_aws_us_east_1" {
  description = "The cluster aws-us-east-1, for kubectl and for other roots."
  value = {
    name                  = aws_eks_cluster.aws_us_east_1.name
    endpoint              = aws_eks_cluster.aws_us_east_1.endpoint
    certificate_authority = aws_eks_cluster.aws_us_east_1.certificate_authority[0].data
    issuer                = aws_eks_cluster.aws_us_east_1.identity[0].oidc[0].issuer
    region                = "us-east-1"
  }
}

output "cluster_aws_us_west_2" {
  description = "The cluster aws-us-west-2, for kubectl and for other roots."
  value = {
    name                  = aws_eks_cluster.aws_us_west_2.name
    endpoint              = aws_eks_cluster.aws_us_west_2.endpoint
    certificate_authority = aws_eks_cluster.aws_us_west_2.certificate_authority[0].data
    issuer                = aws_eks_cluster.aws_us_west_2.identity[0].oidc[0].issuer
    region                = "us-west-2"
  }
}

output "buckets" {
  description = "The buckets by their names in the estate."
  value = {
    clickstream-aws-us-east-1 = {
      bucket = aws_s3_bucket.clickstream_aws_us_east_1.id
      arn    = aws_s3_bucket.clickstream_aws_us_east_1.arn
      region = "us-east-1"
    }
    profiles-eu-aws-eu-west-1 = {
      bucket = aws_s3_bucket.profiles_eu_aws_eu_west_1.id
      arn    = aws_s3_bucket.profiles_eu_aws_eu_west_1.arn
      region = "eu-west-1"
    }
    profiles-us-aws-us-east-1 = {
      bucket = aws_s3_bucket.profiles_us_aws_us_east_1.id
      arn    = aws_s3_bucket.profiles_us_aws_us_east_1.arn
      region = "us-east-1"
    }
  }
}

output "gateway_role" {
  description = "Who gateways on other clouds' clusters are here: AWS_ROLE_ARN of their pods."
  value       = aws_iam_role.gateway.arn
}

output "models" {
  description = "What to call, by site and model, to have its cost booked apart."
  value = {
    "aws/eu-west-1/eu.amazon.nova-lite-v1:0"       = aws_bedrock_inference_profile.nova_lite__eu_west_1__eu.arn
    "aws/eu-west-1/eu.anthropic.claude-sonnet-4-6" = aws_bedrock_inference_profile.assistant__eu_west_1__eu.arn
    "aws/us-east-1/us.amazon.nova-lite-v1:0"       = aws_bedrock_inference_profile.nova_lite__us_east_1__us.arn
    "aws/us-east-1/us.anthropic.claude-sonnet-4-6" = aws_bedrock_inference_profile.assistant__us_east_1__us.arn
    "aws/us-west-2/us.amazon.nova-lite-v1:0"       = aws_bedrock_inference_profile.nova_lite__us_west_2__us.arn
    "aws/us-west-2/us.anthropic.claude-sonnet-4-6" = aws_bedrock_inference_profile.claude_sonnet__us_west_2__us.arn
  }
}

output "gateways" {
  description = "Where links end, by site: for the root that spans clouds."
  value = {
    "aws/eu-west-1" = {
      id        = aws_ec2_transit_gateway.eu_west_1.id
      addresses = []
      router    = ""
      group     = ""
    }
    "aws/us-east-1" = {
      id        = aws_ec2_transit_gateway.us_east_1.id
      addresses = []
      router    = ""
      group     = ""
    }
  }
}

output "vault_seal" {
  description = "Who OpenBao's voters on other clouds' clusters are here: the annotation polycloud_seal in Argo CD."
  value       = aws_iam_role.vault_seal.arn
}

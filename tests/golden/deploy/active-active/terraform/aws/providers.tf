# The provider: the account, and the tags of everything.
# From the estate active-active: clouds.aws.
# Written by polycloud render: change the estate, not this file.

provider "aws" {
  region              = "eu-west-1"
  allowed_account_ids = ["123456789012"]

  default_tags {
    tags = {
      managed-by  = "polycloud"
      estate      = "active-active"
      environment = "production"
    }
  }
}

data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

# Which Terraform and which provider.
# From the estate active-active: clouds.aws.
# Written by polycloud render: change the estate, not this file.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.69"
    }
  }
}

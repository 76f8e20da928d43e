# Which Terraform and which providers.
# From the estate active-active: entry, links.
# Written by polycloud render: change the estate, not this file.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.69"
    }
    cloudflare = {
      source  = "cloudflare/cloudflare"
      version = "~> 5.28"
    }
    google = {
      source  = "hashicorp/google"
      version = "~> 8.7"
    }
  }
}

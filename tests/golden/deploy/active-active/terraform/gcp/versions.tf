# Which Terraform and which provider.
# From the estate active-active: clouds.gcp.
# Written by polycloud render: change the estate, not this file.

terraform {
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 8.7"
    }
  }
}

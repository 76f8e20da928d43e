# Which Terraform and which providers.
# From the estate active-active: secrets, clusters.
# Written by polycloud render: change the estate, not this file.

terraform {
  required_version = ">= 1.11"

  required_providers {
    vault = {
      source  = "hashicorp/vault"
      version = "~> 5.13"
    }
  }
}

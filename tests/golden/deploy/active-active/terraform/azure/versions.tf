# Which Terraform and which provider.
# From the estate active-active: clouds.azure.
# Written by polycloud render: change the estate, not this file.

terraform {
  required_version = ">= 1.11"

  required_providers {
    azuread = {
      source  = "hashicorp/azuread"
      version = "~> 3.10"
    }
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 5.10"
    }
  }
}

# The provider: the subscription, and a resource group at each site.
# From the estate active-active: clouds.azure.
# Written by polycloud render: change the estate, not this file.

provider "azurerm" {
  subscription_id     = var.subscription
  storage_use_azuread = true

  features {
    resource_group {
      prevent_deletion_if_contains_resources = true
    }

    key_vault {
      purge_soft_delete_on_destroy = false
    }
  }
}

locals {
  tags = {
    managed-by  = "polycloud"
    estate      = "active-active"
    environment = "production"
  }
}

data "azurerm_client_config" "this" {}

resource "azurerm_resource_group" "eastus" {
  name     = "active-active-eastus"
  location = "eastus"
  tags     = local.tags
}

resource "azurerm_resource_group" "westeurope" {
  name     = "active-active-westeurope"
  location = "westeurope"
  tags     = local.tags
}

provider "azuread" {}

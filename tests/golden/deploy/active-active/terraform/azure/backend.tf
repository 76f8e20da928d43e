# Where the state of this root is kept; make the account once, by hand.
# From the estate active-active: clouds.azure.
# Written by polycloud render: change the estate, not this file.

terraform {
  backend "azurerm" {
    resource_group_name  = "active-active-terraform-state"
    storage_account_name = "activeactivetfstat493862"
    container_name       = "state"
    key                  = "production/azure.tfstate"
    use_azuread_auth     = true
  }
}

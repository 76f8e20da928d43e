# Who watches at Azure.
# From the estate active-active: clusters, databases.
# Written by polycloud render: change the estate, not this file.

resource "azurerm_application_insights" "eastus" {
  location            = "eastus"
  resource_group_name = azurerm_resource_group.eastus.name
  tags                = local.tags
  name                = "active-active-telemetry-eastus"
  application_type    = "other"
  workspace_id        = azurerm_log_analytics_workspace.eastus.id
}

resource "azurerm_application_insights" "westeurope" {
  location            = "westeurope"
  resource_group_name = azurerm_resource_group.westeurope.name
  tags                = local.tags
  name                = "active-active-telemetry-westeurope"
  application_type    = "other"
  workspace_id        = azurerm_log_analytics_workspace.westeurope.id
}

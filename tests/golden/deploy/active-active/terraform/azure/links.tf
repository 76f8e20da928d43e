# Ways from Azure to other clouds, regions and halls.
# From the estate active-active: links.
# Written by polycloud render: change the estate, not this file.

resource "azurerm_public_ip" "lines_eastus" {
  count               = 1
  location            = "eastus"
  resource_group_name = azurerm_resource_group.eastus.name
  tags                = local.tags
  name                = "polycloud-eastus-lines-${count.index}"
  allocation_method   = "Static"
  sku                 = "Standard"
  zones               = ["1", "2", "3"]
}

resource "azurerm_virtual_network_gateway" "lines_eastus" {
  location            = "eastus"
  resource_group_name = azurerm_resource_group.eastus.name
  tags                = local.tags
  name                = "polycloud-eastus-lines"
  type                = "ExpressRoute"
  sku                 = "ErGw1AZ"

  ip_configuration {
    name                 = "lines"
    subnet_id            = azurerm_subnet.gateways_eastus.id
    public_ip_address_id = azurerm_public_ip.lines_eastus[0].id
  }
}

resource "azurerm_express_route_circuit" "aws_azure_us" {
  count                 = contains(keys(var.lines), "aws-azure-us") ? 1 : 0
  location              = "eastus"
  resource_group_name   = azurerm_resource_group.eastus.name
  tags                  = local.tags
  name                  = "polycloud-aws-azure-us"
  service_provider_name = "Megaport"
  peering_location      = var.lines["aws-azure-us"].place
  bandwidth_in_mbps     = 5000

  sku {
    tier   = "Standard"
    family = "MeteredData"
  }
}

resource "azurerm_virtual_network_gateway_connection" "aws_azure_us" {
  count                      = try(var.lines["aws-azure-us"].ready, false) ? 1 : 0
  location                   = "eastus"
  resource_group_name        = azurerm_resource_group.eastus.name
  tags                       = local.tags
  name                       = "polycloud-aws-azure-us"
  type                       = "ExpressRoute"
  virtual_network_gateway_id = azurerm_virtual_network_gateway.lines_eastus.id
  express_route_circuit_id   = azurerm_express_route_circuit.aws_azure_us[0].id
}

# Ways from Azure to other clouds, regions and halls.
# From the estate oci-primary: links.
# Written by polycloud render: change the estate, not this file.

resource "azurerm_public_ip" "vpn_germanywestcentral" {
  count               = 2
  location            = "germanywestcentral"
  resource_group_name = azurerm_resource_group.germanywestcentral.name
  tags                = local.tags
  name                = "polycloud-germanywestcentral-vpn-${count.index}"
  allocation_method   = "Static"
  sku                 = "Standard"
  zones               = ["1", "2", "3"]
}

resource "azurerm_virtual_network_gateway" "germanywestcentral" {
  location            = "germanywestcentral"
  resource_group_name = azurerm_resource_group.germanywestcentral.name
  tags                = local.tags
  name                = "polycloud-germanywestcentral"
  type                = "Vpn"
  vpn_type            = "RouteBased"
  sku                 = "VpnGw2AZ"
  generation          = "Generation2"
  active_active       = true
  bgp_enabled         = true

  ip_configuration {
    name                 = "instance-0"
    subnet_id            = azurerm_subnet.gateways_germanywestcentral.id
    public_ip_address_id = azurerm_public_ip.vpn_germanywestcentral[0].id
  }

  ip_configuration {
    name                 = "instance-1"
    subnet_id            = azurerm_subnet.gateways_germanywestcentral.id
    public_ip_address_id = azurerm_public_ip.vpn_germanywestcentral[1].id
  }

  bgp_settings {
    asn = 64529

    peering_addresses {
      ip_configuration_name = "instance-0"
      apipa_addresses       = ["169.254.21.210", "169.254.21.214"]
    }

    peering_addresses {
      ip_configuration_name = "instance-1"
      apipa_addresses       = ["169.254.21.218", "169.254.21.222"]
    }
  }
}

resource "azurerm_public_ip" "lines_germanywestcentral" {
  count               = 1
  location            = "germanywestcentral"
  resource_group_name = azurerm_resource_group.germanywestcentral.name
  tags                = local.tags
  name                = "polycloud-germanywestcentral-lines-${count.index}"
  allocation_method   = "Static"
  sku                 = "Standard"
  zones               = ["1", "2", "3"]
}

resource "azurerm_virtual_network_gateway" "lines_germanywestcentral" {
  location            = "germanywestcentral"
  resource_group_name = azurerm_resource_group.germanywestcentral.name
  tags                = local.tags
  name                = "polycloud-germanywestcentral-lines"
  type                = "ExpressRoute"
  sku                 = "ErGw1AZ"

  ip_configuration {
    name                 = "lines"
    subnet_id            = azurerm_subnet.gateways_germanywestcentral.id
    public_ip_address_id = azurerm_public_ip.lines_germanywestcentral[0].id
  }
}

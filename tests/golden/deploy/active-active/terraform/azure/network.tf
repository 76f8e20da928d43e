# Networks at Azure: subnets, a way out and private endpoints at each site.
# From the estate active-active: clouds.azure.sites.
# Written by polycloud render: change the estate, not this file.

resource "azurerm_virtual_network" "eastus" {
  location            = "eastus"
  resource_group_name = azurerm_resource_group.eastus.name
  tags                = local.tags
  name                = "polycloud-eastus"
  address_space       = ["10.19.0.0/16"]
}

resource "azurerm_network_security_group" "eastus" {
  location            = "eastus"
  resource_group_name = azurerm_resource_group.eastus.name
  tags                = local.tags
  name                = "polycloud-eastus"
}

resource "azurerm_network_security_rule" "https_eastus" {
  name                        = "https-from-the-edge"
  resource_group_name         = azurerm_resource_group.eastus.name
  network_security_group_name = azurerm_network_security_group.eastus.name
  description                 = "The gateway's load balancer; all else from outside stays refused."
  priority                    = 200
  direction                   = "Inbound"
  access                      = "Allow"
  protocol                    = "Tcp"
  source_address_prefix       = "Internet"
  source_port_range           = "*"
  destination_address_prefix  = "*"
  destination_port_range      = "443"
}

resource "azurerm_network_security_rule" "mesh_eastus" {
  name                        = "mesh-from-other-clusters"
  resource_group_name         = azurerm_resource_group.eastus.name
  network_security_group_name = azurerm_network_security_group.eastus.name
  description                 = "Gateways of other clusters, by mutual TLS: no link joins every two of them."
  priority                    = 210
  direction                   = "Inbound"
  access                      = "Allow"
  protocol                    = "Tcp"
  source_address_prefix       = "Internet"
  source_port_range           = "*"
  destination_address_prefix  = "*"
  destination_port_range      = "15443"
}

resource "azurerm_subnet" "machines_eastus" {
  name                            = "machines"
  resource_group_name             = azurerm_resource_group.eastus.name
  virtual_network_name            = azurerm_virtual_network.eastus.name
  address_prefixes                = ["10.19.0.0/20"]
  default_outbound_access_enabled = false
}

resource "azurerm_subnet_network_security_group_association" "machines_eastus" {
  subnet_id                 = azurerm_subnet.machines_eastus.id
  network_security_group_id = azurerm_network_security_group.eastus.id
}

resource "azurerm_subnet" "endpoints_eastus" {
  name                            = "endpoints"
  resource_group_name             = azurerm_resource_group.eastus.name
  virtual_network_name            = azurerm_virtual_network.eastus.name
  address_prefixes                = ["10.19.16.0/24"]
  default_outbound_access_enabled = false
}

resource "azurerm_subnet_network_security_group_association" "endpoints_eastus" {
  subnet_id                 = azurerm_subnet.endpoints_eastus.id
  network_security_group_id = azurerm_network_security_group.eastus.id
}

resource "azurerm_subnet" "kubernetes_eastus" {
  name                            = "kubernetes"
  resource_group_name             = azurerm_resource_group.eastus.name
  virtual_network_name            = azurerm_virtual_network.eastus.name
  address_prefixes                = ["10.19.17.0/24"]
  default_outbound_access_enabled = false

  delegation {
    name = "kubernetes"

    service_delegation {
      name    = "Microsoft.ContainerService/managedClusters"
      actions = ["Microsoft.Network/virtualNetworks/subnets/join/action"]
    }
  }
}

resource "azurerm_subnet_network_security_group_association" "kubernetes_eastus" {
  subnet_id                 = azurerm_subnet.kubernetes_eastus.id
  network_security_group_id = azurerm_network_security_group.eastus.id
}

resource "azurerm_public_ip" "nat_eastus" {
  location            = "eastus"
  resource_group_name = azurerm_resource_group.eastus.name
  tags                = local.tags
  name                = "polycloud-eastus-nat"
  allocation_method   = "Static"
  sku                 = "Standard"
  zones               = ["1"]
}

resource "azurerm_nat_gateway" "eastus" {
  location            = "eastus"
  resource_group_name = azurerm_resource_group.eastus.name
  tags                = local.tags
  name                = "polycloud-eastus"
  sku_name            = "Standard"
  zones               = ["1"]
}

resource "azurerm_nat_gateway_public_ip_association" "eastus" {
  nat_gateway_id       = azurerm_nat_gateway.eastus.id
  public_ip_address_id = azurerm_public_ip.nat_eastus.id
}

resource "azurerm_subnet_nat_gateway_association" "eastus" {
  subnet_id      = azurerm_subnet.machines_eastus.id
  nat_gateway_id = azurerm_nat_gateway.eastus.id
}

resource "azurerm_private_dns_zone" "cognitiveservices_azure_com__eastus" {
  name                = "privatelink.cognitiveservices.azure.com"
  resource_group_name = azurerm_resource_group.eastus.name
}

resource "azurerm_private_dns_zone_virtual_network_link" "cognitiveservices_azure_com__eastus" {
  name                = "polycloud-eastus"
  private_dns_zone_id = azurerm_private_dns_zone.cognitiveservices_azure_com__eastus.id
  virtual_network_id  = azurerm_virtual_network.eastus.id
}

resource "azurerm_private_dns_zone" "openai_azure_com__eastus" {
  name                = "privatelink.openai.azure.com"
  resource_group_name = azurerm_resource_group.eastus.name
}

resource "azurerm_private_dns_zone_virtual_network_link" "openai_azure_com__eastus" {
  name                = "polycloud-eastus"
  private_dns_zone_id = azurerm_private_dns_zone.openai_azure_com__eastus.id
  virtual_network_id  = azurerm_virtual_network.eastus.id
}

resource "azurerm_private_dns_zone" "services_ai_azure_com__eastus" {
  name                = "privatelink.services.ai.azure.com"
  resource_group_name = azurerm_resource_group.eastus.name
}

resource "azurerm_private_dns_zone_virtual_network_link" "services_ai_azure_com__eastus" {
  name                = "polycloud-eastus"
  private_dns_zone_id = azurerm_private_dns_zone.services_ai_azure_com__eastus.id
  virtual_network_id  = azurerm_virtual_network.eastus.id
}

resource "azurerm_private_dns_zone" "vaultcore_azure_net__eastus" {
  name                = "privatelink.vaultcore.azure.net"
  resource_group_name = azurerm_resource_group.eastus.name
}

resource "azurerm_private_dns_zone_virtual_network_link" "vaultcore_azure_net__eastus" {
  name                = "polycloud-eastus"
  private_dns_zone_id = azurerm_private_dns_zone.vaultcore_azure_net__eastus.id
  virtual_network_id  = azurerm_virtual_network.eastus.id
}

resource "azurerm_network_watcher_flow_log" "eastus" {
  name                 = "polycloud-eastus"
  network_watcher_name = "NetworkWatcher_eastus"
  resource_group_name  = "NetworkWatcherRG"
  location             = "eastus"
  target_resource_id   = azurerm_virtual_network.eastus.id
  storage_account_id   = azurerm_storage_account.logs_eastus.id
  enabled              = true
  version              = 2
  tags                 = local.tags

  retention_policy {
    enabled = true
    days    = 365
  }
}

resource "azurerm_private_endpoint" "vault_eastus" {
  location            = "eastus"
  resource_group_name = azurerm_resource_group.eastus.name
  tags                = local.tags
  name                = "polycloud-vault-eastus"
  subnet_id           = azurerm_subnet.endpoints_eastus.id

  private_service_connection {
    name                           = "polycloud-vault-eastus"
    private_connection_resource_id = azurerm_key_vault.data__eastus.id
    subresource_names              = ["vault"]
    is_manual_connection           = false
  }

  private_dns_zone_group {
    name                 = "polycloud"
    private_dns_zone_ids = [azurerm_private_dns_zone.vaultcore_azure_net__eastus.id]
  }
}

resource "azurerm_virtual_network" "westeurope" {
  location            = "westeurope"
  resource_group_name = azurerm_resource_group.westeurope.name
  tags                = local.tags
  name                = "polycloud-westeurope"
  address_space       = ["10.20.0.0/16"]
}

resource "azurerm_network_security_group" "westeurope" {
  location            = "westeurope"
  resource_group_name = azurerm_resource_group.westeurope.name
  tags                = local.tags
  name                = "polycloud-westeurope"
}

resource "azurerm_network_security_rule" "https_westeurope" {
  name                        = "https-from-the-edge"
  resource_group_name         = azurerm_resource_group.westeurope.name
  network_security_group_name = azurerm_network_security_group.westeurope.name
  description                 = "The gateway's load balancer; all else from outside stays refused."
  priority                    = 200
  direction                   = "Inbound"
  access                      = "Allow"
  protocol                    = "Tcp"
  source_address_prefix       = "Internet"
  source_port_range           = "*"
  destination_address_prefix  = "*"
  destination_port_range      = "443"
}

resource "azurerm_network_security_rule" "mesh_westeurope" {
  name                        = "mesh-from-other-clusters"
  resource_group_name         = azurerm_resource_group.westeurope.name
  network_security_group_name = azurerm_network_security_group.westeurope.name
  description                 = "Gateways of other clusters, by mutual TLS: no link joins every two of them."
  priority                    = 210
  direction                   = "Inbound"
  access                      = "Allow"
  protocol                    = "Tcp"
  source_address_prefix       = "Internet"
  source_port_range           = "*"
  destination_address_prefix  = "*"
  destination_port_range      = "15443"
}

resource "azurerm_subnet" "machines_westeurope" {
  name                            = "machines"
  resource_group_name             = azurerm_resource_group.westeurope.name
  virtual_network_name            = azurerm_virtual_network.westeurope.name
  address_prefixes                = ["10.20.0.0/20"]
  default_outbound_access_enabled = false
}

resource "azurerm_subnet_network_security_group_association" "machines_westeurope" {
  subnet_id                 = azurerm_subnet.machines_westeurope.id
  network_security_group_id = azurerm_network_security_group.westeurope.id
}

resource "azurerm_subnet" "endpoints_westeurope" {
  name                            = "endpoints"
  resource_group_name             = azurerm_resource_group.westeurope.name
  virtual_network_name            = azurerm_virtual_network.westeurope.name
  address_prefixes                = ["10.20.16.0/24"]
  default_outbound_access_enabled = false
}

resource "azurerm_subnet_network_security_group_association" "endpoints_westeurope" {
  subnet_id                 = azurerm_subnet.endpoints_westeurope.id
  network_security_group_id = azurerm_network_security_group.westeurope.id
}

resource "azurerm_subnet" "kubernetes_westeurope" {
  name                            = "kubernetes"
  resource_group_name             = azurerm_resource_group.westeurope.name
  virtual_network_name            = azurerm_virtual_network.westeurope.name
  address_prefixes                = ["10.20.17.0/24"]
  default_outbound_access_enabled = false

  delegation {
    name = "kubernetes"

    service_delegation {
      name    = "Microsoft.ContainerService/managedClusters"
      actions = ["Microsoft.Network/virtualNetworks/subnets/join/action"]
    }
  }
}

resource "azurerm_subnet_network_security_group_association" "kubernetes_westeurope" {
  subnet_id                 = azurerm_subnet.kubernetes_westeurope.id
  network_security_group_id = azurerm_network_security_group.westeurope.id
}

resource "azurerm_public_ip" "nat_westeurope" {
  location            = "westeurope"
  resource_group_name = azurerm_resource_group.westeurope.name
  tags                = local.tags
  name                = "polycloud-westeurope-nat"
  allocation_method   = "Static"
  sku                 = "Standard"
  zones               = ["1"]
}

resource "azurerm_nat_gateway" "westeurope" {
  location            = "westeurope"
  resource_group_name = azurerm_resource_group.westeurope.name
  tags                = local.tags
  name                = "polycloud-westeurope"
  sku_name            = "Standard"
  zones               = ["1"]
}

resource "azurerm_nat_gateway_public_ip_association" "westeurope" {
  nat_gateway_id       = azurerm_nat_gateway.westeurope.id
  public_ip_address_id = azurerm_public_ip.nat_westeurope.id
}

resource "azurerm_subnet_nat_gateway_association" "westeurope" {
  subnet_id      = azurerm_subnet.machines_westeurope.id
  nat_gateway_id = azurerm_nat_gateway.westeurope.id
}

resource "azurerm_private_dns_zone" "cognitiveservices_azure_com__westeurope" {
  name                = "privatelink.cognitiveservices.azure.com"
  resource_group_name = azurerm_resource_group.westeurope.name
}

resource "azurerm_private_dns_zone_virtual_network_link" "cognitiveservices_azure_com__westeurope" {
  name                = "polycloud-westeurope"
  private_dns_zone_id = azurerm_private_dns_zone.cognitiveservices_azure_com__westeurope.id
  virtual_network_id  = azurerm_virtual_network.westeurope.id
}

resource "azurerm_private_dns_zone" "openai_azure_com__westeurope" {
  name                = "privatelink.openai.azure.com"
  resource_group_name = azurerm_resource_group.westeurope.name
}

resource "azurerm_private_dns_zone_virtual_network_link" "openai_azure_com__westeurope" {
  name                = "polycloud-westeurope"
  private_dns_zone_id = azurerm_private_dns_zone.openai_azure_com__westeurope.id
  virtual_network_id  = azurerm_virtual_network.westeurope.id
}

resource "azurerm_private_dns_zone" "services_ai_azure_com__westeurope" {
  name                = "privatelink.services.ai.azure.com"
  resource_group_name = azurerm_resource_group.westeurope.name
}

resource "azurerm_private_dns_zone_virtual_network_link" "services_ai_azure_com__westeurope" {
  name                = "polycloud-westeurope"
  private_dns_zone_id = azurerm_private_dns_zone.services_ai_azure_com__westeurope.id
  virtual_network_id  = azurerm_virtual_network.westeurope.id
}

resource "azurerm_private_dns_zone" "vaultcore_azure_net__westeurope" {
  name                = "privatelink.vaultcore.azure.net"
  resource_group_name = azurerm_resource_group.westeurope.name
}

resource "azurerm_private_dns_zone_virtual_network_link" "vaultcore_azure_net__westeurope" {
  name                = "polycloud-westeurope"
  private_dns_zone_id = azurerm_private_dns_zone.vaultcore_azure_net__westeurope.id
  virtual_network_id  = azurerm_virtual_network.westeurope.id
}

resource "azurerm_network_watcher_flow_log" "westeurope" {
  name                 = "polycloud-westeurope"
  network_watcher_name = "NetworkWatcher_westeurope"
  resource_group_name  = "NetworkWatcherRG"
  location             = "westeurope"
  target_resource_id   = azurerm_virtual_network.westeurope.id
  storage_account_id   = azurerm_storage_account.logs_westeurope.id
  enabled              = true
  version              = 2
  tags                 = local.tags

  retention_policy {
    enabled = true
    days    = 365
  }
}

resource "azurerm_private_endpoint" "vault_westeurope" {
  location            = "westeurope"
  resource_group_name = azurerm_resource_group.westeurope.name
  tags                = local.tags
  name                = "polycloud-vault-westeurope"
  subnet_id           = azurerm_subnet.endpoints_westeurope.id

  private_service_connection {
    name                           = "polycloud-vault-westeurope"
    private_connection_resource_id = azurerm_key_vault.data__westeurope.id
    subresource_names              = ["vault"]
    is_manual_connection           = false
  }

  private_dns_zone_group {
    name                 = "polycloud"
    private_dns_zone_ids = [azurerm_private_dns_zone.vaultcore_azure_net__westeurope.id]
  }
}

resource "azurerm_subnet" "gateways_eastus" {
  name                 = "GatewaySubnet"
  resource_group_name  = azurerm_resource_group.eastus.name
  virtual_network_name = azurerm_virtual_network.eastus.name
  address_prefixes     = ["10.19.18.0/24"]
}

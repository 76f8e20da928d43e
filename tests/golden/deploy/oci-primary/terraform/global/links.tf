# Private links between clouds: both sides of each.
# From the estate oci-primary: links.
# Written by polycloud render: change the estate, not this file.

resource "oci_core_cpe" "oci_azure_vpn__0" {
  provider       = oci.eu_frankfurt_1
  compartment_id = var.oci_gateways["oci/eu-frankfurt-1"].group
  display_name   = "polycloud-oci-azure-vpn-0"
  ip_address     = var.azure_gateways["azure/germanywestcentral"].addresses[0]
}

resource "oci_core_ipsec" "oci_azure_vpn__0" {
  provider       = oci.eu_frankfurt_1
  compartment_id = var.oci_gateways["oci/eu-frankfurt-1"].group
  drg_id         = var.oci_gateways["oci/eu-frankfurt-1"].id
  display_name   = "polycloud-oci-azure-vpn-0"
  cpe_id         = oci_core_cpe.oci_azure_vpn__0.id
  static_routes  = ["10.255.255.0/24"]
}

data "oci_core_ipsec_connection_tunnels" "oci_azure_vpn__0" {
  provider = oci.eu_frankfurt_1
  ipsec_id = oci_core_ipsec.oci_azure_vpn__0.id
}

resource "oci_core_ipsec_connection_tunnel_management" "oci_azure_vpn__0__0" {
  provider      = oci.eu_frankfurt_1
  ipsec_id      = oci_core_ipsec.oci_azure_vpn__0.id
  tunnel_id     = data.oci_core_ipsec_connection_tunnels.oci_azure_vpn__0.ip_sec_connection_tunnels[0].id
  display_name  = "polycloud-oci-azure-vpn-0-0"
  routing       = "BGP"
  ike_version   = "V2"
  shared_secret = var.vpn_secrets["oci-azure-vpn"]

  bgp_session_info {
    customer_bgp_asn      = "64529"
    oracle_interface_ip   = "169.254.21.209/30"
    customer_interface_ip = "169.254.21.210/30"
  }
}

resource "oci_core_ipsec_connection_tunnel_management" "oci_azure_vpn__0__1" {
  provider      = oci.eu_frankfurt_1
  ipsec_id      = oci_core_ipsec.oci_azure_vpn__0.id
  tunnel_id     = data.oci_core_ipsec_connection_tunnels.oci_azure_vpn__0.ip_sec_connection_tunnels[1].id
  display_name  = "polycloud-oci-azure-vpn-0-1"
  routing       = "BGP"
  ike_version   = "V2"
  shared_secret = var.vpn_secrets["oci-azure-vpn"]

  bgp_session_info {
    customer_bgp_asn      = "64529"
    oracle_interface_ip   = "169.254.21.213/30"
    customer_interface_ip = "169.254.21.214/30"
  }
}

resource "oci_core_cpe" "oci_azure_vpn__1" {
  provider       = oci.eu_frankfurt_1
  compartment_id = var.oci_gateways["oci/eu-frankfurt-1"].group
  display_name   = "polycloud-oci-azure-vpn-1"
  ip_address     = var.azure_gateways["azure/germanywestcentral"].addresses[1]
}

resource "oci_core_ipsec" "oci_azure_vpn__1" {
  provider       = oci.eu_frankfurt_1
  compartment_id = var.oci_gateways["oci/eu-frankfurt-1"].group
  drg_id         = var.oci_gateways["oci/eu-frankfurt-1"].id
  display_name   = "polycloud-oci-azure-vpn-1"
  cpe_id         = oci_core_cpe.oci_azure_vpn__1.id
  static_routes  = ["10.255.255.0/24"]
}

data "oci_core_ipsec_connection_tunnels" "oci_azure_vpn__1" {
  provider = oci.eu_frankfurt_1
  ipsec_id = oci_core_ipsec.oci_azure_vpn__1.id
}

resource "oci_core_ipsec_connection_tunnel_management" "oci_azure_vpn__1__0" {
  provider      = oci.eu_frankfurt_1
  ipsec_id      = oci_core_ipsec.oci_azure_vpn__1.id
  tunnel_id     = data.oci_core_ipsec_connection_tunnels.oci_azure_vpn__1.ip_sec_connection_tunnels[0].id
  display_name  = "polycloud-oci-azure-vpn-1-0"
  routing       = "BGP"
  ike_version   = "V2"
  shared_secret = var.vpn_secrets["oci-azure-vpn"]

  bgp_session_info {
    customer_bgp_asn      = "64529"
    oracle_interface_ip   = "169.254.21.217/30"
    customer_interface_ip = "169.254.21.218/30"
  }
}

resource "oci_core_ipsec_connection_tunnel_management" "oci_azure_vpn__1__1" {
  provider      = oci.eu_frankfurt_1
  ipsec_id      = oci_core_ipsec.oci_azure_vpn__1.id
  tunnel_id     = data.oci_core_ipsec_connection_tunnels.oci_azure_vpn__1.ip_sec_connection_tunnels[1].id
  display_name  = "polycloud-oci-azure-vpn-1-1"
  routing       = "BGP"
  ike_version   = "V2"
  shared_secret = var.vpn_secrets["oci-azure-vpn"]

  bgp_session_info {
    customer_bgp_asn      = "64529"
    oracle_interface_ip   = "169.254.21.221/30"
    customer_interface_ip = "169.254.21.222/30"
  }
}

resource "azurerm_local_network_gateway" "oci_azure_vpn__germanywestcentral__0" {
  location            = "germanywestcentral"
  resource_group_name = var.azure_gateways["azure/germanywestcentral"].group
  tags = {
    managed-by  = "polycloud"
    estate      = "oci-primary"
    environment = "production"
  }
  name            = "polycloud-oci-azure-vpn-0"
  gateway_address = data.oci_core_ipsec_connection_tunnels.oci_azure_vpn__0.ip_sec_connection_tunnels[0].vpn_ip

  bgp_settings {
    asn                 = 31898
    bgp_peering_address = "169.254.21.209"
  }
}

resource "azurerm_virtual_network_gateway_connection" "oci_azure_vpn__germanywestcentral__0" {
  location            = "germanywestcentral"
  resource_group_name = var.azure_gateways["azure/germanywestcentral"].group
  tags = {
    managed-by  = "polycloud"
    estate      = "oci-primary"
    environment = "production"
  }
  name                       = "polycloud-oci-azure-vpn-0"
  type                       = "IPsec"
  virtual_network_gateway_id = var.azure_gateways["azure/germanywestcentral"].id
  local_network_gateway_id   = azurerm_local_network_gateway.oci_azure_vpn__germanywestcentral__0.id
  bgp_enabled                = true
  connection_protocol        = "IKEv2"
  shared_key                 = var.vpn_secrets["oci-azure-vpn"]

  custom_bgp_addresses {
    primary   = "169.254.21.210"
    secondary = "169.254.21.218"
  }

  ipsec_policy {
    ike_encryption   = "AES256"
    ike_integrity    = "SHA384"
    dh_group         = "ECP384"
    ipsec_encryption = "GCMAES256"
    ipsec_integrity  = "GCMAES256"
    pfs_group        = "ECP384"
    sa_lifetime      = 3600
  }
}

resource "azurerm_local_network_gateway" "oci_azure_vpn__germanywestcentral__1" {
  location            = "germanywestcentral"
  resource_group_name = var.azure_gateways["azure/germanywestcentral"].group
  tags = {
    managed-by  = "polycloud"
    estate      = "oci-primary"
    environment = "production"
  }
  name            = "polycloud-oci-azure-vpn-1"
  gateway_address = data.oci_core_ipsec_connection_tunnels.oci_azure_vpn__0.ip_sec_connection_tunnels[1].vpn_ip

  bgp_settings {
    asn                 = 31898
    bgp_peering_address = "169.254.21.213"
  }
}

resource "azurerm_virtual_network_gateway_connection" "oci_azure_vpn__germanywestcentral__1" {
  location            = "germanywestcentral"
  resource_group_name = var.azure_gateways["azure/germanywestcentral"].group
  tags = {
    managed-by  = "polycloud"
    estate      = "oci-primary"
    environment = "production"
  }
  name                       = "polycloud-oci-azure-vpn-1"
  type                       = "IPsec"
  virtual_network_gateway_id = var.azure_gateways["azure/germanywestcentral"].id
  local_network_gateway_id   = azurerm_local_network_gateway.oci_azure_vpn__germanywestcentral__1.id
  bgp_enabled                = true
  connection_protocol        = "IKEv2"
  shared_key                 = var.vpn_secrets["oci-azure-vpn"]

  custom_bgp_addresses {
    primary   = "169.254.21.214"
    secondary = "169.254.21.218"
  }

  ipsec_policy {
    ike_encryption   = "AES256"
    ike_integrity    = "SHA384"
    dh_group         = "ECP384"
    ipsec_encryption = "GCMAES256"
    ipsec_integrity  = "GCMAES256"
    pfs_group        = "ECP384"
    sa_lifetime      = 3600
  }
}

resource "azurerm_local_network_gateway" "oci_azure_vpn__germanywestcentral__2" {
  location            = "germanywestcentral"
  resource_group_name = var.azure_gateways["azure/germanywestcentral"].group
  tags = {
    managed-by  = "polycloud"
    estate      = "oci-primary"
    environment = "production"
  }
  name            = "polycloud-oci-azure-vpn-2"
  gateway_address = data.oci_core_ipsec_connection_tunnels.oci_azure_vpn__1.ip_sec_connection_tunnels[0].vpn_ip

  bgp_settings {
    asn                 = 31898
    bgp_peering_address = "169.254.21.217"
  }
}

resource "azurerm_virtual_network_gateway_connection" "oci_azure_vpn__germanywestcentral__2" {
  location            = "germanywestcentral"
  resource_group_name = var.azure_gateways["azure/germanywestcentral"].group
  tags = {
    managed-by  = "polycloud"
    estate      = "oci-primary"
    environment = "production"
  }
  name                       = "polycloud-oci-azure-vpn-2"
  type                       = "IPsec"
  virtual_network_gateway_id = var.azure_gateways["azure/germanywestcentral"].id
  local_network_gateway_id   = azurerm_local_network_gateway.oci_azure_vpn__germanywestcentral__2.id
  bgp_enabled                = true
  connection_protocol        = "IKEv2"
  shared_key                 = var.vpn_secrets["oci-azure-vpn"]

  custom_bgp_addresses {
    primary   = "169.254.21.210"
    secondary = "169.254.21.218"
  }

  ipsec_policy {
    ike_encryption   = "AES256"
    ike_integrity    = "SHA384"
    dh_group         = "ECP384"
    ipsec_encryption = "GCMAES256"
    ipsec_integrity  = "GCMAES256"
    pfs_group        = "ECP384"
    sa_lifetime      = 3600
  }
}

resource "azurerm_local_network_gateway" "oci_azure_vpn__germanywestcentral__3" {
  location            = "germanywestcentral"
  resource_group_name = var.azure_gateways["azure/germanywestcentral"].group
  tags = {
    managed-by  = "polycloud"
    estate      = "oci-primary"
    environment = "production"
  }
  name            = "polycloud-oci-azure-vpn-3"
  gateway_address = data.oci_core_ipsec_connection_tunnels.oci_azure_vpn__1.ip_sec_connection_tunnels[1].vpn_ip

  bgp_settings {
    asn                 = 31898
    bgp_peering_address = "169.254.21.221"
  }
}

resource "azurerm_virtual_network_gateway_connection" "oci_azure_vpn__germanywestcentral__3" {
  location            = "germanywestcentral"
  resource_group_name = var.azure_gateways["azure/germanywestcentral"].group
  tags = {
    managed-by  = "polycloud"
    estate      = "oci-primary"
    environment = "production"
  }
  name                       = "polycloud-oci-azure-vpn-3"
  type                       = "IPsec"
  virtual_network_gateway_id = var.azure_gateways["azure/germanywestcentral"].id
  local_network_gateway_id   = azurerm_local_network_gateway.oci_azure_vpn__germanywestcentral__3.id
  bgp_enabled                = true
  connection_protocol        = "IKEv2"
  shared_key                 = var.vpn_secrets["oci-azure-vpn"]

  custom_bgp_addresses {
    primary   = "169.254.21.210"
    secondary = "169.254.21.222"
  }

  ipsec_policy {
    ike_encryption   = "AES256"
    ike_integrity    = "SHA384"
    dh_group         = "ECP384"
    ipsec_encryption = "GCMAES256"
    ipsec_integrity  = "GCMAES256"
    pfs_group        = "ECP384"
    sa_lifetime      = 3600
  }
}

resource "azurerm_express_route_circuit" "oci_azure" {
  location            = "germanywestcentral"
  resource_group_name = var.azure_lines["azure/germanywestcentral"].group
  tags = {
    managed-by  = "polycloud"
    estate      = "oci-primary"
    environment = "production"
  }
  name                  = "polycloud-oci-azure"
  service_provider_name = "Oracle Cloud FastConnect"
  peering_location      = "Frankfurt2"
  bandwidth_in_mbps     = 2000

  sku {
    tier   = "Standard"
    family = "MeteredData"
  }
}

resource "azurerm_virtual_network_gateway_connection" "oci_azure" {
  location            = "germanywestcentral"
  resource_group_name = var.azure_lines["azure/germanywestcentral"].group
  tags = {
    managed-by  = "polycloud"
    estate      = "oci-primary"
    environment = "production"
  }
  name                       = "polycloud-oci-azure"
  type                       = "ExpressRoute"
  virtual_network_gateway_id = var.azure_lines["azure/germanywestcentral"].id
  express_route_circuit_id   = azurerm_express_route_circuit.oci_azure.id
  depends_on                 = [oci_core_virtual_circuit.oci_azure]
}

data "oci_core_fast_connect_provider_services" "oci_azure" {
  provider       = oci.eu_frankfurt_1
  compartment_id = var.oci_lines["oci/eu-frankfurt-1"].group

  filter {
    name   = "provider_name"
    values = ["Microsoft Azure"]
  }
}

resource "oci_core_virtual_circuit" "oci_azure" {
  provider                  = oci.eu_frankfurt_1
  compartment_id            = var.oci_lines["oci/eu-frankfurt-1"].group
  display_name              = "polycloud-oci-azure"
  type                      = "PRIVATE"
  bandwidth_shape_name      = "2 Gbps"
  gateway_id                = var.oci_lines["oci/eu-frankfurt-1"].id
  provider_service_id       = data.oci_core_fast_connect_provider_services.oci_azure.fast_connect_provider_services[0].id
  provider_service_key_name = azurerm_express_route_circuit.oci_azure.service_key

  cross_connect_mappings {
    oracle_bgp_peering_ip   = "192.168.254.1/30"
    customer_bgp_peering_ip = "192.168.254.2/30"
  }

  cross_connect_mappings {
    oracle_bgp_peering_ip   = "192.168.254.5/30"
    customer_bgp_peering_ip = "192.168.254.6/30"
  }
}

# The public name: pools of clusters, health, the nearest, affinity, the law.
# From the estate active-active: entry.
# Written by polycloud render: change the estate, not this file.

resource "cloudflare_load_balancer_monitor" "gateway" {
  account_id  = var.cloudflare_account
  description = "The gateways of active-active."
  type        = "https"
  method      = "GET"
  path        = "/healthz"
  header = {
    Host = ["ai.globex.example"]
  }
  expected_codes   = "200"
  follow_redirects = false
  allow_insecure   = false
  interval         = 15
  timeout          = 5
  retries          = 1
  consecutive_down = 2
  consecutive_up   = 2
}

resource "cloudflare_load_balancer_pool" "pool_america" {
  account_id      = var.cloudflare_account
  name            = "active_active-america"
  description     = "Callers of america: aws/us-east-1, aws/us-west-2, azure/eastus, gcp/us-central1."
  latitude        = 40.7982
  longitude       = -93.9607
  monitor         = cloudflare_load_balancer_monitor.gateway.id
  minimum_origins = 1
  origins = [for name in ["aws-us-east-1", "aws-us-west-2", "azure-eastus", "gcp-us-central1"] : {
    name    = name
    address = var.cluster_addresses[name]
    enabled = true
    weight  = 1
    header  = { host = ["ai.globex.example"] }
  } if contains(keys(var.cluster_addresses), name)]
  origin_steering = {
    policy = "random"
  }
}

resource "cloudflare_load_balancer_pool" "pool_asia" {
  account_id      = var.cloudflare_account
  name            = "active_active-asia"
  description     = "Callers of asia: gcp/asia-east1."
  latitude        = 24.0518
  longitude       = 120.5161
  monitor         = cloudflare_load_balancer_monitor.gateway.id
  minimum_origins = 1
  origins = [for name in ["gcp-asia-east1"] : {
    name    = name
    address = var.cluster_addresses[name]
    enabled = true
    weight  = 1
    header  = { host = ["ai.globex.example"] }
  } if contains(keys(var.cluster_addresses), name)]
  origin_steering = {
    policy = "random"
  }
}

resource "cloudflare_load_balancer_pool" "pool_europe" {
  account_id      = var.cloudflare_account
  name            = "active_active-europe"
  description     = "Callers of europe: aws/eu-west-1, azure/westeurope, gcp/europe-west1."
  latitude        = 52.0621
  longitude       = 0.8167
  monitor         = cloudflare_load_balancer_monitor.gateway.id
  minimum_origins = 1
  origins = [for name in ["aws-eu-west-1", "azure-westeurope", "gcp-europe-west1"] : {
    name    = name
    address = var.cluster_addresses[name]
    enabled = true
    weight  = 1
    header  = { host = ["ai.globex.example"] }
  } if contains(keys(var.cluster_addresses), name)]
  origin_steering = {
    policy = "random"
  }
}

resource "cloudflare_load_balancer_pool" "closed" {
  account_id      = var.cloudflare_account
  name            = "active_active-closed"
  description     = "Answers nobody: for callers whose law lets no pool answer that is left."
  minimum_origins = 1
  origins = [
    {
      name    = "nowhere"
      address = "192.0.2.1"
      enabled = true
    },
  ]
}

resource "cloudflare_load_balancer" "entry" {
  zone_id     = var.cloudflare_zone
  name        = "ai.globex.example"
  description = "The gateways of active-active."
  enabled     = true
  proxied     = true
  default_pools = [
    cloudflare_load_balancer_pool.pool_america.id,
    cloudflare_load_balancer_pool.pool_asia.id,
    cloudflare_load_balancer_pool.pool_europe.id,
  ]
  steering_policy = "geo"
  fallback_pool   = cloudflare_load_balancer_pool.closed.id
  region_pools = {
    EEU  = [cloudflare_load_balancer_pool.pool_europe.id, cloudflare_load_balancer_pool.pool_america.id]
    ENAM = [cloudflare_load_balancer_pool.pool_america.id, cloudflare_load_balancer_pool.pool_europe.id]
    ME   = [cloudflare_load_balancer_pool.pool_europe.id, cloudflare_load_balancer_pool.pool_america.id]
    NAF  = [cloudflare_load_balancer_pool.pool_europe.id, cloudflare_load_balancer_pool.pool_america.id]
    NEAS = [
      cloudflare_load_balancer_pool.pool_asia.id,
      cloudflare_load_balancer_pool.pool_america.id,
      cloudflare_load_balancer_pool.pool_europe.id,
    ]
    NSAM = [cloudflare_load_balancer_pool.pool_america.id, cloudflare_load_balancer_pool.pool_europe.id]
    OC = [
      cloudflare_load_balancer_pool.pool_asia.id,
      cloudflare_load_balancer_pool.pool_america.id,
      cloudflare_load_balancer_pool.pool_europe.id,
    ]
    SAF = [cloudflare_load_balancer_pool.pool_europe.id, cloudflare_load_balancer_pool.pool_america.id]
    SAS = [
      cloudflare_load_balancer_pool.pool_asia.id,
      cloudflare_load_balancer_pool.pool_america.id,
      cloudflare_load_balancer_pool.pool_europe.id,
    ]
    SEAS = [
      cloudflare_load_balancer_pool.pool_asia.id,
      cloudflare_load_balancer_pool.pool_america.id,
      cloudflare_load_balancer_pool.pool_europe.id,
    ]
    SSAM = [cloudflare_load_balancer_pool.pool_america.id, cloudflare_load_balancer_pool.pool_europe.id]
    WEU  = [cloudflare_load_balancer_pool.pool_europe.id, cloudflare_load_balancer_pool.pool_america.id]
    WNAM = [cloudflare_load_balancer_pool.pool_america.id, cloudflare_load_balancer_pool.pool_europe.id]
  }
  country_pools = {
    AT = [cloudflare_load_balancer_pool.pool_europe.id]
    BE = [cloudflare_load_balancer_pool.pool_europe.id]
    BG = [cloudflare_load_balancer_pool.pool_europe.id]
    CY = [cloudflare_load_balancer_pool.pool_europe.id]
    CZ = [cloudflare_load_balancer_pool.pool_europe.id]
    DE = [cloudflare_load_balancer_pool.pool_europe.id]
    DK = [cloudflare_load_balancer_pool.pool_europe.id]
    EE = [cloudflare_load_balancer_pool.pool_europe.id]
    ES = [cloudflare_load_balancer_pool.pool_europe.id]
    FI = [cloudflare_load_balancer_pool.pool_europe.id]
    FR = [cloudflare_load_balancer_pool.pool_europe.id]
    GR = [cloudflare_load_balancer_pool.pool_europe.id]
    HR = [cloudflare_load_balancer_pool.pool_europe.id]
    HU = [cloudflare_load_balancer_pool.pool_europe.id]
    IE = [cloudflare_load_balancer_pool.pool_europe.id]
    IS = [cloudflare_load_balancer_pool.pool_europe.id]
    IT = [cloudflare_load_balancer_pool.pool_europe.id]
    LI = [cloudflare_load_balancer_pool.pool_europe.id]
    LT = [cloudflare_load_balancer_pool.pool_europe.id]
    LU = [cloudflare_load_balancer_pool.pool_europe.id]
    LV = [cloudflare_load_balancer_pool.pool_europe.id]
    MT = [cloudflare_load_balancer_pool.pool_europe.id]
    NL = [cloudflare_load_balancer_pool.pool_europe.id]
    NO = [cloudflare_load_balancer_pool.pool_europe.id]
    PL = [cloudflare_load_balancer_pool.pool_europe.id]
    PT = [cloudflare_load_balancer_pool.pool_europe.id]
    RO = [cloudflare_load_balancer_pool.pool_europe.id]
    SE = [cloudflare_load_balancer_pool.pool_europe.id]
    SI = [cloudflare_load_balancer_pool.pool_europe.id]
    SK = [cloudflare_load_balancer_pool.pool_europe.id]
    US = [cloudflare_load_balancer_pool.pool_america.id]
  }
  adaptive_routing = {
    failover_across_pools = true
  }
  session_affinity     = "cookie"
  session_affinity_ttl = 1800
  session_affinity_attributes = {
    samesite               = "Auto"
    secure                 = "Always"
    drain_duration         = 60
    zero_downtime_failover = "temporary"
  }
}

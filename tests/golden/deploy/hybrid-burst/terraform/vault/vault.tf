# OpenBao over clouds: where secrets are, who signs in and how, keys.
# From the estate hybrid-burst: secrets, clusters.
# Written by polycloud render: change the estate, not this file.

resource "vault_mount" "secrets" {
  path = "polycloud"
  type = "kv"
  options = {
    version = "2"
  }
  description = "Secrets of the estate, by name."
}

resource "vault_kv_secret_backend_v2" "secrets" {
  mount        = vault_mount.secrets.path
  max_versions = 10
  cas_required = true
}

resource "vault_mount" "transit" {
  path        = "transit"
  type        = "transit"
  description = "Wraps data keys of all clouds."
}

resource "vault_transit_secret_backend_key" "data" {
  backend            = vault_mount.transit.path
  name               = "polycloud"
  type               = "aes256-gcm96"
  auto_rotate_period = 7776000
  deletion_allowed   = false
  exportable         = false
}

resource "vault_raft_autopilot" "voters" {
  cleanup_dead_servers               = true
  dead_server_last_contact_threshold = "24h"
  last_contact_threshold             = "10s"
  server_stabilization_time          = "10s"
  min_quorum                         = 3
  max_trailing_logs                  = 1000
}

resource "vault_policy" "gateway" {
  name   = "gateway"
  policy = file("${path.module}/policies/gateway.hcl")
}

locals {
  vault_mounts = { "aws-eu-central-1" = "jwt-aws-eu-central-1", "oci-eu-frankfurt-1" = "jwt-oci-eu-frankfurt-1" }
}

resource "vault_jwt_auth_backend" "clusters" {
  for_each           = { for name, issuer in var.cluster_issuers : name => issuer if contains(keys(local.vault_mounts), name) }
  path               = local.vault_mounts[each.key]
  type               = "jwt"
  oidc_discovery_url = each.value
  bound_issuer       = each.value
}

resource "vault_jwt_auth_backend_role" "gateway" {
  for_each        = { for name, issuer in var.cluster_issuers : name => issuer if contains(keys(local.vault_mounts), name) }
  backend         = vault_jwt_auth_backend.clusters[each.key].path
  role_name       = "gateway"
  role_type       = "jwt"
  user_claim      = "sub"
  bound_subject   = "system:serviceaccount:polycloud:polycloud"
  bound_audiences = ["vault"]
  token_policies  = [vault_policy.gateway.name]
  token_ttl       = 3600
  token_max_ttl   = 86400
}

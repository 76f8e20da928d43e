# The voter vault-2, in the cluster gcp-europe-west1.
# From the estate active-active: secrets, clusters.
# Written by polycloud render: change the estate, not this file.

cluster_name = "active-active"

api_addr = "https://vault-2.vault.internal:8200"

cluster_addr = "https://vault-2.vault.internal:8201"

disable_mlock = true

ui = false

storage "raft" {
  path    = "/vault/data"
  node_id = "vault-2"

  retry_join {
    leader_api_addr         = "https://vault-0.vault.internal:8200"
    leader_tls_servername   = "vault-0.vault.internal"
    leader_ca_cert_file     = "/vault/tls/ca.crt"
    leader_client_cert_file = "/vault/tls/tls.crt"
    leader_client_key_file  = "/vault/tls/tls.key"
  }

  retry_join {
    leader_api_addr         = "https://vault-1.vault.internal:8200"
    leader_tls_servername   = "vault-1.vault.internal"
    leader_ca_cert_file     = "/vault/tls/ca.crt"
    leader_client_cert_file = "/vault/tls/tls.crt"
    leader_client_key_file  = "/vault/tls/tls.key"
  }

  retry_join {
    leader_api_addr         = "https://vault-3.vault.internal:8200"
    leader_tls_servername   = "vault-3.vault.internal"
    leader_ca_cert_file     = "/vault/tls/ca.crt"
    leader_client_cert_file = "/vault/tls/tls.crt"
    leader_client_key_file  = "/vault/tls/tls.key"
  }

  retry_join {
    leader_api_addr         = "https://vault-4.vault.internal:8200"
    leader_tls_servername   = "vault-4.vault.internal"
    leader_ca_cert_file     = "/vault/tls/ca.crt"
    leader_client_cert_file = "/vault/tls/tls.crt"
    leader_client_key_file  = "/vault/tls/tls.key"
  }
}

listener "tcp" {
  address            = "0.0.0.0:8200"
  cluster_address    = "0.0.0.0:8201"
  tls_cert_file      = "/vault/tls/tls.crt"
  tls_key_file       = "/vault/tls/tls.key"
  tls_client_ca_file = "/vault/tls/ca.crt"
  tls_min_version    = "tls12"
}

seal "awskms" {
  region     = "eu-west-1"
  kms_key_id = "alias/polycloud/active-active/data"
}

telemetry {
  prometheus_retention_time = "24h"
  disable_hostname          = true
}

# The providers, for as much as this root needs of each.
# From the estate active-active: secrets, clusters.
# Written by polycloud render: change the estate, not this file.

provider "vault" {
  address         = var.vault_address
  ca_cert_file    = var.vault_authority
  tls_server_name = "vault-aws-0.vault.svc.cluster.local"
}

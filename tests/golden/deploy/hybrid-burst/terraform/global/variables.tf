# What is said at apply time: outputs of the clouds' roots, and accounts.
# From the estate hybrid-burst: clouds, links.
# Written by polycloud render: change the estate, not this file.

variable "vault_address" {
  description = "Where Terraform reaches Vault."
  type        = string
  default     = "https://vault-0.vault.internal:8200"
}

variable "cluster_issuers" {
  description = "By cluster: the issuer of its tokens, from the outputs of the clouds' roots; a cluster that is not here can not sign in yet."
  type        = map(string)
  default     = {}
}

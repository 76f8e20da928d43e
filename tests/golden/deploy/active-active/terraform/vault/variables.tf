# What is said at apply time: where OpenBao is, and who signs tokens.
# From the estate active-active: clusters.
# Written by polycloud render: change the estate, not this file.

variable "vault_address" {
  description = "Where Terraform reaches OpenBao: kubectl -n vault port-forward svc/vault-aws-0 8200"
  type        = string
  default     = "https://127.0.0.1:8200"
}

variable "vault_authority" {
  description = "The file of the authority that signed its certificate."
  type        = string
  default     = "ca.crt"
}

variable "cluster_issuers" {
  description = "By cluster: the issuer of its tokens, from the outputs of the clouds' roots; a cluster that is not here can not sign in yet."
  type        = map(string)
  default     = {}
}

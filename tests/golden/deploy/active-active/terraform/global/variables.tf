# What is said at apply time: outputs of the clouds' roots, and accounts.
# From the estate active-active: clouds, links.
# Written by polycloud render: change the estate, not this file.

variable "cloudflare_account" {
  description = "The account id at Cloudflare."
  type        = string
}

variable "cloudflare_zone" {
  description = "The zone id of the public name's domain."
  type        = string
}

variable "cluster_addresses" {
  description = "By cluster: the public address or name of its gateway's load balancer; a cluster that is not here gets no callers yet."
  type        = map(string)
  default     = {}
}

variable "aws_gateways" {
  description = "What `terraform output -json gateways` says in the root aws."
  type        = map(object({ id = string, addresses = list(string), router = string, group = string }))
}

variable "gcp_gateways" {
  description = "What `terraform output -json gateways` says in the root gcp."
  type        = map(object({ id = string, addresses = list(string), router = string, group = string }))
}

variable "vpn_secrets" {
  description = "The shared secret of each VPN by the link's name: 32 random letters and digits, beginning with a letter."
  type        = map(string)
  sensitive   = true
}

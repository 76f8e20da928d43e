# What is said at apply time: outputs of the clouds' roots, and accounts.
# From the estate oci-primary: clouds, links.
# Written by polycloud render: change the estate, not this file.

variable "azure_gateways" {
  description = "What `terraform output -json gateways` says in the root azure."
  type        = map(object({ id = string, addresses = list(string), router = string, group = string }))
}

variable "oci_gateways" {
  description = "What `terraform output -json gateways` says in the root oci."
  type        = map(object({ id = string, addresses = list(string), router = string, group = string }))
}

variable "vpn_secrets" {
  description = "The shared secret of each VPN by the link's name: 32 random letters and digits, beginning with a letter."
  type        = map(string)
  sensitive   = true
}

variable "azure_lines" {
  description = "What `terraform output -json lines` says in the root azure."
  type        = map(object({ id = string, group = string }))
}

variable "oci_lines" {
  description = "What `terraform output -json lines` says in the root oci."
  type        = map(object({ id = string, group = string }))
}

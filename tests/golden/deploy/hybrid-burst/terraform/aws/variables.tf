# What is said at apply time.
# From the estate hybrid-burst: clouds.aws.
# Written by polycloud render: change the estate, not this file.

variable "kubernetes_api_cidrs" {
  description = "Networks outside the estate that may reach the Kubernetes API; none: only from inside."
  type        = list(string)
  default     = []
}

variable "kubernetes_admins" {
  description = "ARNs of roles that administer the clusters, beside whoever creates them."
  type        = list(string)
  default     = []
}

variable "bedrock_log_texts" {
  description = "Whether Bedrock's own log keeps prompts and answers; off: who called what, and when."
  type        = bool
  default     = false
}

variable "cluster_issuers" {
  description = "By cluster of another cloud: the issuer of its tokens, an output of that cloud's root."
  type        = map(string)
  default     = {}
}

variable "lines" {
  description = "Dedicated lines by the link's name, once they are ordered: the id of the Direct Connect connection, its VLAN and the BGP number of the other side; a line that is not here is not used yet."
  type        = map(object({ connection = string, vlan = number, asn = number }))
  default     = {}
}

variable "halls" {
  description = "The public address, BGP number and networks of each hall, by its name; a hall that is not here is not joined yet."
  type        = map(object({ address = string, asn = number, networks = list(string) }))
  default     = {}
}

variable "vpn_secrets" {
  description = "The shared secret of each VPN by the link's name: 32 random letters and digits, beginning with a letter."
  type        = map(string)
  default     = {}
  sensitive   = true
}

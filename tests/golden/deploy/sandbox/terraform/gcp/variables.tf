# What is said at apply time.
# From the estate sandbox: clouds.gcp.
# Written by polycloud render: change the estate, not this file.

variable "project" {
  description = "The project that all this is in."
  type        = string
  default     = "northwind-ai"
}

variable "accelerator_zones" {
  description = "Zones by region where machines with accelerators are made; none: all zones of the region."
  type        = map(list(string))
  default     = {}
}

variable "kubernetes_api_cidrs" {
  description = "Networks outside the estate that may reach the Kubernetes API; none: only from inside."
  type        = list(string)
  default     = []
}

variable "cluster_issuers" {
  description = "By cluster of another cloud: the issuer of its tokens, an output of that cloud's root."
  type        = map(string)
  default     = {}
}

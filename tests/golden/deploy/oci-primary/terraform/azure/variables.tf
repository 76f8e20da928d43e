# What is said at apply time.
# From the estate oci-primary: clouds.azure.
# Written by polycloud render: change the estate, not this file.

variable "subscription" {
  description = "The subscription that all this is in; none: that of the environment, ARM_SUBSCRIPTION_ID."
  type        = string
  default     = null
}

variable "operator_addresses" {
  description = "Public addresses from which Terraform and people reach key vaults; none: only from inside."
  type        = list(string)
  default     = []
}

variable "cluster_issuers" {
  description = "By cluster of another cloud: the issuer of its tokens, an output of that cloud's root."
  type        = map(string)
  default     = {}
}

variable "accelerator_zones" {
  description = "Zones by region where machines with accelerators are made; none: as Azure finds them."
  type        = map(list(string))
  default     = {}
}

variable "kubernetes_admins" {
  description = "Object ids of Entra groups that administer the clusters."
  type        = list(string)
  default     = []
}

variable "model_callers" {
  description = "Public addresses from which gateways outside Azure call models; none: only from inside."
  type        = list(string)
  default     = []
}

variable "model_capacity" {
  description = "Thousands of tokens per minute of each pay-as-you-go deployment for which the estate has no quota."
  type        = number
  default     = 100
}

variable "model_versions" {
  description = "Versions of models by the model's name; none: Azure's default, and its successor."
  type        = map(string)
  default     = {}
}

variable "emergency_groups" {
  description = "Object ids of groups that no second factor is asked of: accounts to get back in with."
  type        = list(string)
  default     = []
}

variable "second_factor_policy" {
  description = "enabled; or enabledForReportingButNotEnforced to watch first whom it would stop."
  type        = string
  default     = "enabled"

  validation {
    condition     = contains(["enabled", "enabledForReportingButNotEnforced"], var.second_factor_policy)
    error_message = "A state of a Conditional Access policy."
  }
}

# What is said at apply time.
# From the estate oci-primary: clouds.aws.
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

variable "sso_role_arns" {
  description = "By role: the ARN that IAM Identity Center gave its permission set here, for rights inside clusters."
  type        = map(string)
  default     = {}
}

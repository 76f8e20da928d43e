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

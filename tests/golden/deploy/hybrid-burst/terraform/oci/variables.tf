# What is said at apply time.
# From the estate hybrid-burst: clouds.oci.
# Written by polycloud render: change the estate, not this file.

variable "compartment" {
  description = "The OCID of the compartment that all this is in."
  type        = string
  default     = "ocid1.compartment.oc1..example"
}

variable "home_region" {
  description = "The tenancy's home region, where policies are made; clouds.oci.home_region in the estate."
  type        = string
  default     = "eu-frankfurt-1"
}

variable "vault_type" {
  description = "DEFAULT: keys are renewed by a person; VIRTUAL_PRIVATE: by themselves, in one's own vault."
  type        = string
  default     = "DEFAULT"
}

variable "kubernetes_patches" {
  description = "Versions of OKE by minor version, such as { \"1.35\" = \"v1.35.2\" }."
  type        = map(string)
  default     = {}
}

variable "machine_images" {
  description = "OCIDs of images by cluster/pool; none: the newest of Oracle's for the pool's machine and version."
  type        = map(string)
  default     = {}
}

# What the gateway may do.
# From the estate active-active: secrets, clusters.
# Written by polycloud render: change the estate, not this file.

path "auth/token/renew-self" {
  capabilities = ["update"]
}

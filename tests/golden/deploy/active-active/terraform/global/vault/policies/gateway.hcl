# What the gateway may do.
# From the estate active-active: secrets, clusters.
# Written by polycloud render: change the estate, not this file.

path "transit/datakey/plaintext/polycloud" {
  capabilities = ["update"]
}

path "transit/decrypt/polycloud" {
  capabilities = ["update"]
}

path "transit/encrypt/polycloud" {
  capabilities = ["update"]
}

path "transit/rewrap/polycloud" {
  capabilities = ["update"]
}

path "auth/token/renew-self" {
  capabilities = ["update"]
}

# The agent beside pods in the cluster azure-eastus.
# From the estate active-active: secrets, clusters.
# Written by polycloud render: change the estate, not this file.

vault {
  address = "https://vault-0.vault.internal:8200"
  ca_cert = "/vault/tls/ca.crt"

  retry {
    num_retries = 5
  }
}

auto_auth {
  method {
    type       = "jwt"
    mount_path = "auth/jwt-azure-eastus"

    config {
      role = "gateway"
      path = "/var/run/secrets/vault/token"
    }
  }
}

template_config {
  exit_on_retry_failure = false
}

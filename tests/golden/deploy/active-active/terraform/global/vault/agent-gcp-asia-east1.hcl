# The agent beside pods in the cluster gcp-asia-east1.
# From the estate active-active: secrets, clusters.
# Written by polycloud render: change the estate, not this file.

vault {
  address = "https://vault-1.vault.internal:8200"
  ca_cert = "/vault/tls/ca.crt"

  retry {
    num_retries = 5
  }
}

auto_auth {
  method {
    type       = "jwt"
    mount_path = "auth/jwt-gcp-asia-east1"

    config {
      role = "gateway"
      path = "/var/run/secrets/vault/token"
    }
  }
}

template_config {
  exit_on_retry_failure = false
}

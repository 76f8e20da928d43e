# What the estate promises, over the plan, without an account: terraform test.
# From the estate active-active: all of it.
# Written by polycloud render: change the estate, not this file.

mock_provider "vault" {}

run "vault_outlives_a_cloud" {
  command = plan

  assert {
    condition     = vault_raft_autopilot.voters.min_quorum == 3
    error_message = "Vault must keep three voters."
  }

  assert {
    condition     = !vault_transit_secret_backend_key.data.deletion_allowed
    error_message = "The key of data keys must not be deleted."
  }
}

# What people need to know.
# From the estate active-active: entry, links.
# Written by polycloud render: change the estate, not this file.

output "entry" {
  description = "The public name."
  value       = cloudflare_load_balancer.entry.name
}

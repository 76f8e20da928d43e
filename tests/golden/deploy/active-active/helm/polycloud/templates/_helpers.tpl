{{- /* Template helpers of polycloud's chart From the estate active-active: clusters, entry, secrets. Written by polycloud render: change the estate, not this file. */ -}}
{{/* Names and labels that all resources of the chart share. */}}
{{- define "polycloud.selector" -}}
app.kubernetes.io/name: polycloud
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "polycloud.labels" -}}
{{ include "polycloud.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "polycloud.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag }}
{{- end -}}
{{- end }}

{{- define "polycloud.estate" -}}
{{- if .Values.estate.files }}polycloud-estate{{ else }}{{ .Values.estate.configMap }}{{ end }}
{{- end }}

{{/* Who the gateway is in other clouds, as the vendors' libraries read it: botocore, azure-identity, google-auth, oci. */}}
{{- define "polycloud.abroad" -}}
{{- with .Values.federation }}{{ .aws.role }}{{ .azure.client }}{{ .gcp.audience }}{{ end }}
{{- end }}

{{- define "polycloud.federation" -}}
{{- $at := "/var/run/secrets/federation" -}}
{{- with .Values.federation }}
{{- if .aws.role }}
- name: AWS_ROLE_ARN
  value: {{ .aws.role | quote }}
- name: AWS_WEB_IDENTITY_TOKEN_FILE
  value: {{ $at }}/aws
{{- with .aws.region }}
- name: AWS_DEFAULT_REGION
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- if .azure.client }}
- name: AZURE_CLIENT_ID
  value: {{ .azure.client | quote }}
- name: AZURE_TENANT_ID
  value: {{ required "federation.azure.tenant: the tenant of federation.azure.client" .azure.tenant | quote }}
- name: AZURE_FEDERATED_TOKEN_FILE
  value: {{ $at }}/azure
{{- end }}
{{- if .gcp.audience }}
- name: GOOGLE_APPLICATION_CREDENTIALS
  value: {{ $at }}/gcp.json
{{- with .gcp.project }}
- name: GOOGLE_CLOUD_PROJECT
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- with .oci.auth }}
- name: OCI_CLI_AUTH
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}

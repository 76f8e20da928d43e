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

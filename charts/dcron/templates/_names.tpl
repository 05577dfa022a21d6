{{/* The chart's name, or the one that is set instead. */}}
{{- define "dcron.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The beginning of every object's name: the release, and the chart unless the release is called like it. */}}
{{- define "dcron.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "dcron.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "dcron.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* The name of what belongs to no namespace: two releases of one name must not meet there. */}}
{{- define "dcron.clusterName" -}}
{{- $name := include "dcron.fullname" . }}
{{- if eq $name .Release.Namespace }}{{ $name }}{{ else }}{{ printf "%s-%s" .Release.Namespace $name | trunc 63 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "dcron.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "dcron.fullname" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{- define "dcron.selector" -}}
app.kubernetes.io/name: {{ include "dcron.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* What the replicas carry, and Redis does not. */}}
{{- define "dcron.replicaSelector" -}}
{{ include "dcron.selector" . }}
app.kubernetes.io/component: controller
{{- end }}

{{- define "dcron.redisSelector" -}}
{{ include "dcron.selector" . }}
app.kubernetes.io/component: redis
{{- end }}

{{- define "dcron.labels" -}}
{{ include "dcron.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* An image by its digest if there is one, else by its tag. Argument: image and default tag. */}}
{{- define "dcron.image" -}}
{{- if .image.digest }}{{ .image.repository }}@{{ .image.digest }}{{ else }}{{ .image.repository }}:{{ .image.tag | default .tag }}{{ end }}
{{- end }}

{{/* How the replicas reach Redis: the address, the files that hold its secrets, and where these are mounted. */}}

{{- define "dcron.redis.folder" -}}/etc/dcron/redis{{- end }}
{{- define "dcron.redis.tlsFolder" -}}/etc/dcron/redis-tls{{- end }}

{{- define "dcron.redis.fullname" -}}
{{- printf "%s-redis" (include "dcron.fullname" .) }}
{{- end }}

{{/* The Secret of the bundled Redis. */}}
{{- define "dcron.redis.secretName" -}}
{{- .Values.redis.bundled.existingSecret | default (include "dcron.redis.fullname" .) }}
{{- end }}

{{/* The URL as far as it is no secret; empty if it stands in a Secret. */}}
{{- define "dcron.redis.url" -}}
{{- if eq .Values.redis.mode "bundled" -}}
redis://{{ include "dcron.redis.fullname" . }}:6379/0
{{- else if eq .Values.redis.mode "external" -}}
{{- $external := .Values.redis.external }}
{{- $parameters := list }}
{{- if $external.tls.secretName }}
{{- if and (not (hasPrefix "rediss://" $external.url)) (not (contains "ssl=true" $external.url)) }}
{{- $parameters = append $parameters "ssl=true" }}
{{- end }}
{{- $parameters = append $parameters (printf "ssl_ca_certs=%s/%s" (include "dcron.redis.tlsFolder" .) $external.tls.caKey) }}
{{- if $external.tls.clientCertificate }}
{{- $parameters = append $parameters (printf "ssl_certfile=%s/tls.crt" (include "dcron.redis.tlsFolder" .)) }}
{{- $parameters = append $parameters (printf "ssl_keyfile=%s/tls.key" (include "dcron.redis.tlsFolder" .)) }}
{{- end }}
{{- end }}
{{- $external.url }}{{ if and $external.url $parameters }}{{ ternary "&" "?" (contains "?" $external.url) }}{{ join "&" $parameters }}{{ end }}
{{- end }}
{{- end }}

{{- define "dcron.redis.env" -}}
{{- $external := .Values.redis.external }}
{{- with include "dcron.redis.url" . }}
- name: DCRON_REDIS_URL
  value: {{ . | quote }}
{{- end }}
{{- if and (eq .Values.redis.mode "external") $external.urlSecret.name }}
- name: DCRON_REDIS_URL_FILE
  value: {{ include "dcron.redis.folder" . }}/url
{{- end }}
{{- if or (eq .Values.redis.mode "bundled") (and (eq .Values.redis.mode "external") $external.passwordSecret.name) }}
- name: DCRON_REDIS_PASSWORD_FILE
  value: {{ include "dcron.redis.folder" . }}/password
{{- end }}
{{- end }}

{{/* Each Secret is mounted as a whole folder: the kubelet brings a change to a running pod only so. */}}
{{- define "dcron.redis.volumes" -}}
{{- $external := .Values.redis.external }}
{{- if eq .Values.redis.mode "bundled" }}
- name: redis
  secret:
    secretName: {{ include "dcron.redis.secretName" . }}
    items:
    - key: password
      path: password
{{- else if and (eq .Values.redis.mode "external") (or $external.urlSecret.name $external.passwordSecret.name) }}
- name: redis
  projected:
    sources:
    {{- with $external.urlSecret }}{{ if .name }}
    - secret:
        name: {{ .name }}
        items:
        - key: {{ .key }}
          path: url
    {{- end }}{{ end }}
    {{- with $external.passwordSecret }}{{ if .name }}
    - secret:
        name: {{ .name }}
        items:
        - key: {{ .key }}
          path: password
    {{- end }}{{ end }}
{{- end }}
{{- if and (eq .Values.redis.mode "external") $external.tls.secretName }}
- name: redis-tls
  secret:
    secretName: {{ $external.tls.secretName }}
{{- end }}
{{- end }}

{{- define "dcron.redis.mounts" -}}
{{- $external := .Values.redis.external }}
{{- if or (eq .Values.redis.mode "bundled") (and (eq .Values.redis.mode "external") (or $external.urlSecret.name $external.passwordSecret.name)) }}
- name: redis
  mountPath: {{ include "dcron.redis.folder" . }}
  readOnly: true
{{- end }}
{{- if and (eq .Values.redis.mode "external") $external.tls.secretName }}
- name: redis-tls
  mountPath: {{ include "dcron.redis.tlsFolder" . }}
  readOnly: true
{{- end }}
{{- end }}

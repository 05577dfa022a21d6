{{/* The environment of a replica: each setting of `python -m controller --help` that the values decide. */}}
{{- define "dcron.env" -}}
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: POD_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: POD_UID
  valueFrom:
    fieldRef:
      fieldPath: metadata.uid
# The one folder that may be written to; the controller looks for ~/.kube/config first.
- name: HOME
  value: /tmp
- name: DCRON_NODE_NAME
  value: $(POD_NAME)
- name: DCRON_HTTP_PORT
  value: {{ .Values.controller.port | quote }}
- name: DCRON_CONTROLLER_NAME
  value: {{ .Values.controller.name | quote }}
- name: DCRON_KEY_PREFIX
  value: {{ .Values.controller.keyPrefix | quote }}
- name: DCRON_NODE_UPDATE_SECONDS
  value: {{ .Values.controller.nodeUpdateSeconds | quote }}
- name: DCRON_NODE_TTL_SECONDS
  value: {{ .Values.controller.nodeTtlSeconds | quote }}
- name: DCRON_LATE_SECONDS
  value: {{ .Values.controller.lateSeconds | quote }}
- name: DCRON_MINIMUM_INTERVAL_SECONDS
  value: {{ .Values.controller.minimumIntervalSeconds | quote }}
- name: DCRON_HASH_REPLICAS
  value: {{ .Values.controller.hashReplicas | quote }}
- name: DCRON_PAUSED_FILE
  value: /etc/dcron/pause/paused
- name: DCRON_LOG_FORMAT
  value: {{ .Values.controller.logFormat | quote }}
- name: DCRON_LOG_LEVEL
  value: {{ .Values.controller.logLevel | quote }}
{{- if eq .Values.watch.scope "namespaces" }}
- name: DCRON_NAMESPACES
  value: {{ join "," .Values.watch.namespaces | quote }}
{{- end }}
{{ include "dcron.redis.env" . | trim }}
{{- with .Values.controller.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

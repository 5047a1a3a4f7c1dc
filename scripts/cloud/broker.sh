#!/usr/bin/env bash
# The broker, in the tree, as its user. Who may log in, and what they may do, is written at each start.
set -euo pipefail
umask 077
# An id for each instance: two of them beside each other know nothing of one another.
export ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT=${epmd_port:?}
export RABBITMQ_DIST_PORT=${dist_port:?} RABBITMQ_NODENAME=rabbit@localhost
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}"
export RABBITMQ_MNESIA_BASE=$HOME/nodes RABBITMQ_LOGS=- RABBITMQ_LOG_BASE=/tmp
export RABBITMQ_CONFIG_FILE=/run/rabbitmq.conf RABBITMQ_ENABLED_PLUGINS_FILE=/run/enabled_plugins
export RABBITMQ_CONF_ENV_FILE=/dev/null HOSTNAME=localhost

rm -f "$HOME/.erlang.cookie"
printf %s "${cookie_secret:?}" >"$HOME/.erlang.cookie"
chmod 400 "$HOME/.erlang.cookie"
echo '[rabbitmq_mqtt].' >"$RABBITMQ_ENABLED_PLUGINS_FILE"

# A car has its own queues of subscriptions and the topics of its own client id, tenant.device, of which it
# reads some and writes others: the tenant in it has to be who has logged in. The ingest may do everything.
# Of what nobody takes there is 1 GiB at most a queue: then a car gets no PUBACK, and keeps what it has.
# compose.yaml says the same.
sessions='mqtt-(subscription|will)-.*'
own='v1\\.(?={username}\\.){client_id}\\.'
cat >/run/definitions.json <<END
{
  "vhosts": [{"name": "/"}],
  "users": [
    {"name": "ingest", "password": "${ingest_secret:?}", "tags": []},
    {"name": "${tenant:?}", "password": "${car_secret:?}", "tags": []}
  ],
  "permissions": [
    {"user": "ingest", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"},
    {"user": "$tenant", "vhost": "/", "configure": "^$sessions\$", "write": "^($sessions|amq\\\\.topic)\$", "read": "^($sessions|amq\\\\.topic)\$"}
  ],
  "topic_permissions": [
    {"user": "$tenant", "vhost": "/", "exchange": "amq.topic", "write": "^${own}(up\\\\..*|res\\\\..*|state|info)\$", "read": "^${own}(ack|req\\\\..*)\$"}
  ],
  "policies": [
    {"vhost": "/", "name": "full", "pattern": "^vigil\\\\.(alerts|telemetry)\$", "apply-to": "quorum_queues", "priority": 0, "definition": {"max-length-bytes": 1073741824, "overflow": "reject-publish"}}
  ]
}
END

# A retained message is on the disk 4 s after its PUBACK, whatever is set: that is Erlang's dets. A batch
# has 16 KiB, and a client that sends more than 1 MiB is none of ours.
cat >"$RABBITMQ_CONFIG_FILE" <<END
listeners.tcp.1 = 127.0.0.1:${amqp_port:?}
mqtt.listeners.tcp.1 = 127.0.0.1:${mqtt_port:?}
mqtt.allow_anonymous = false
mqtt.exchange = amq.topic
mqtt.retained_message_store = rabbit_mqtt_retained_msg_store_dets
mqtt.max_packet_size_authenticated = 1048576
max_message_size = 1048576
definitions.import_backend = local_filesystem
definitions.local.path = /run/definitions.json
disk_free_limit.absolute = 200MB
vm_memory_high_watermark.absolute = 1GB
log.console = true
log.console.level = info
END

unset ingest_secret car_secret database_secret cookie_secret
exec /usr/lib/rabbitmq/bin/rabbitmq-server

/** Of a bus: a segment of stream ids, and a directory. */
export const BUS_NAME = /^[a-z0-9_-]{1,23}$/;
/** Of a DBC file, without its extension. */
export const FILE_NAME = /^[a-z0-9_-]{1,40}$/;
export const EXTENSION = '.dbc';
/** Files of one bus, those of the setting included. One bus has one file as a rule, or one an ECU. */
export const FILES_MAX = 16;

"""Watch logs: real short-video views in place of the generator of viewers.

watch_logs   find and read a log, whatever its format
kuairand     the official files of KuaiRand
log_files    where a log lies, and its file as text
log_rows     rows of a CSV file, with counted and reasoned rejects
log_tables   the log as arrays, and what its reading found
crowd_needs  what a log must hold at least for what is to be done with it
"""

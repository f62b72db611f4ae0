# group: tools
# set: long
# 7-Zip's own benchmark, which checks what it unpacks; its figures are times and stay out.
work() { run /usr/bin/7zz b 1 -mmt1 -md18 >log && grep -c '^Avr:\|^Tot:' log; }

-- A document is there for moments: compressing it costs more than the room it saves, most of it in embedded
-- images and fonts that are compressed already (580 KB of them took 20 ms of CPU on the way in).

alter table pdfprompt_job alter column html set storage external;

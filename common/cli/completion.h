/* What the shells complete for a tool, from its declaration, on standard output. */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

void completion_bash(void);
void completion_zsh(void);
void completion_fish(void);

#endif

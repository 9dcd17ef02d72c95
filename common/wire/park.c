/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/park.h"

void park_init(struct park *park)
{
    *park = (struct park){0};
    park->last = &park->first;
}

static size_t cost(const struct frame *frame)
{
    return sizeof(*frame) + frame->payload_size;
}

void park_add(struct park *park, struct frame *frame)
{
    frame->next = NULL;
    *park->last = frame;
    park->last = &frame->next;
    park->count++;
    park->bytes += cost(frame);
}

static struct frame *unlink_frame(struct park *park, struct frame **link)
{
    struct frame *frame = *link;

    *link = frame->next;
    if (park->last == &frame->next)
        park->last = link;
    frame->next = NULL;
    park->count--;
    park->bytes -= cost(frame);
    return frame;
}

/* The call before end that header belongs to. */
static bool has_call_before(const struct park *park, const struct frame *end,
                            const struct frame_header *header)
{
    for (const struct frame *frame = park->first; frame != end; frame = frame->next)
        if (frame_is_call(frame) && frame_same_call(&frame->header, header))
            return true;
    return false;
}

struct frame *park_take(struct park *park, bool calls)
{
    for (struct frame **link = &park->first; *link; link = &(*link)->next) {
        struct frame *frame = *link;

        if (frame_is_call(frame) ? calls : !has_call_before(park, frame, &frame->header))
            return unlink_frame(park, link);
    }
    return NULL;
}

bool park_has_call(const struct park *park, const struct frame_header *header)
{
    return has_call_before(park, NULL, header);
}

bool park_is_full(const struct park *park, unsigned frames, size_t bytes)
{
    return park->count >= frames || park->bytes >= bytes;
}

void park_clear(struct park *park)
{
    while (park->first)
        frame_free(unlink_frame(park, &park->first));
}

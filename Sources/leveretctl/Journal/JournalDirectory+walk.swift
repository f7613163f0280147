extension JournalDirectory {
    /// Reads the journal from its beginning to its end, and checks all of it.
    ///
    /// - Parameters:
    ///   - progress: gets the bytes that are done and those that there are, now and then.
    ///   - onRecord: gets every record in the journal's order; its payload is valid during the call only.
    borrowing func walk(
        progress: (_ doneByteCount: Int, _ totalByteCount: Int) -> Void, onRecord: (DumpedRecord) -> Void
    ) throws(ControlError) -> JournalCheck {
        // The journal's own inspection is not there yet: this is the only place that will call it.
        throw ControlError("\(path): this version cannot read a journal yet; use a newer leveretctl")
    }
}

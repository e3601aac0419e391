import Foundation
import Synchronization
import Testing

@testable import Tensor

@Suite("Parking spot") struct ParkingSpotTests {
  @Test("no thread is woken if none sleeps")
  func empty() {
    let spot = ParkingSpot()
    #expect(!spot.isOccupied && !spot.unpark())
    spot.park { true }
    #expect(!spot.isOccupied && !spot.unpark())
  }

  @Test("no wake-up is lost or left over in any interleaving of the two threads")
  func handover() {
    let spot = ParkingSpot()
    let offered = Atomic<Int>(0)
    let taken = Atomic<Int>(0)
    let rounds = 20_000
    let done = DispatchSemaphore(value: 0)
    Thread {
      for round in 1...rounds {
        while offered.load(ordering: .sequentiallyConsistent) < round {
          spot.park { offered.load(ordering: .sequentiallyConsistent) >= round }
        }
        taken.store(round, ordering: .releasing)
      }
      done.signal()
    }.start()
    for round in 1...rounds {
      offered.store(round, ordering: .sequentiallyConsistent)
      _ = spot.unpark()
      while taken.load(ordering: .acquiring) < round { sched_yield() }
    }
    done.wait()
    #expect(!spot.isOccupied)
  }
}
